-- Reads `subject`. Returns the deliveries that contain the address in a column that the application fills, and these columns.
SELECT
    delivery.id,
    mentions.in_columns
FROM subject
CROSS JOIN LATERAL (
    SELECT * FROM mailglass_deliveries AS delivery WHERE delivery.id = subject.delivery_id OFFSET 0
) AS delivery
CROSS JOIN LATERAL (
    SELECT pg_catalog.array_remove(ARRAY[
        CASE
            WHEN pg_catalog.strpos(pg_catalog.lower(delivery.metadata::text COLLATE "C"), subject.json_needle) > 0
                THEN 'metadata'
        END,
        CASE
            WHEN pg_catalog.strpos(pg_catalog.lower(delivery.last_error::text COLLATE "C"), subject.json_needle) > 0
                THEN 'last_error'
        END,
        CASE
            WHEN pg_catalog.strpos(pg_catalog.lower(delivery.idempotency_key COLLATE "C"), subject.needle) > 0
                THEN 'idempotency_key'
        END
    ], NULL) AS in_columns
) AS mentions
WHERE delivery.tenant_id = subject.tenant_id
  AND pg_catalog.cardinality(mentions.in_columns) > 0
