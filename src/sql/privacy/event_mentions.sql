-- Reads `subject` and `timeline`. Returns the events that contain the address, and in which columns.
SELECT
    event.id,
    mentions.in_columns
FROM timeline AS event
CROSS JOIN LATERAL (SELECT * FROM subject LIMIT 1) AS subject
CROSS JOIN LATERAL (
    SELECT pg_catalog.array_remove(ARRAY[
        CASE
            WHEN pg_catalog.strpos(pg_catalog.lower(event.normalized_payload::text COLLATE "C"), subject.json_needle) > 0
                THEN 'normalized_payload'
        END,
        CASE
            WHEN pg_catalog.strpos(pg_catalog.lower(event.metadata::text COLLATE "C"), subject.json_needle) > 0
                THEN 'metadata'
        END,
        CASE
            WHEN pg_catalog.strpos(pg_catalog.lower(event.idempotency_key COLLATE "C"), subject.needle) > 0
                THEN 'idempotency_key'
        END,
        CASE
            WHEN pg_catalog.strpos(pg_catalog.lower(event.trace_id COLLATE "C"), subject.needle) > 0
                THEN 'trace_id'
        END
    ], NULL) AS in_columns
) AS mentions
WHERE pg_catalog.cardinality(mentions.in_columns) > 0
