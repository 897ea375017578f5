-- Reads `person`. Makes `found`: the events that name the person and have no delivery, each with a pseudonym. Links of other events
-- have no recipient. The two halves match the conditions of the indexes by tenant.
found AS MATERIALIZED (
    SELECT
        link.event_id,
        pg_catalog.concat(
            'erased-', pg_catalog.replace(pg_catalog.gen_random_uuid()::text, '-', ''), '@erased.invalid'
        ) AS pseudonym
    FROM person
    CROSS JOIN LATERAL (
        SELECT event_id, recipient
        FROM mailglass_event_links
        WHERE tenant_id = person.tenant_id AND linked_at IS NULL AND expired_at IS NULL
        UNION ALL
        SELECT event_id, recipient
        FROM mailglass_event_links
        WHERE tenant_id = person.tenant_id AND expired_at IS NOT NULL
    ) AS link
    WHERE pg_catalog.lower(link.recipient COLLATE "C") = pg_catalog.lower(person.recipient COLLATE "C")
)
