-- Reads `person`. Makes `found`: locks the deliveries to the person, in the order of their ids, as `record` does.
-- The pseudonym is computed here, because Citus rejects a VOLATILE function in an UPDATE. It is in a domain that never exists
-- (RFC 2606), so that no mail can be sent to it.
found AS (
    SELECT
        delivery.id,
        pg_catalog.concat(
            'erased-', pg_catalog.replace(pg_catalog.gen_random_uuid()::text, '-', ''), '@erased.invalid'
        ) AS pseudonym
    FROM person
    CROSS JOIN LATERAL (
        SELECT delivery.id
        FROM mailglass_deliveries AS delivery
        WHERE delivery.tenant_id = person.tenant_id
          AND pg_catalog.lower(delivery.recipient COLLATE "C") = pg_catalog.lower(person.recipient COLLATE "C")
        ORDER BY delivery.id
        FOR NO KEY UPDATE
    ) AS delivery
)
