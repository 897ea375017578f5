-- Reads `person`. Returns the deliveries to the person, in the order in which they were inserted.
SELECT
    :deliveries(delivery)
FROM person
CROSS JOIN LATERAL (
    SELECT *
    FROM mailglass_deliveries AS delivery
    WHERE delivery.tenant_id = person.tenant_id
      AND pg_catalog.lower(delivery.recipient COLLATE "C") = pg_catalog.lower(person.recipient COLLATE "C")
) AS delivery
ORDER BY delivery.inserted_at, delivery.id
