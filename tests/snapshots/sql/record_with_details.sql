BEGIN;

-- a statement of record_several.sql

WITH detailed AS (
    SELECT
        pg_catalog.unnest(event_id) AS event_id,
        pg_catalog.unnest(tenant_id) AS tenant_id,
        pg_catalog.unnest(recipient) AS recipient,
        pg_catalog.unnest(data) AS data
    FROM (
        SELECT
            $1 AS event_id,
            $2 AS tenant_id,
            $3 AS recipient,
            $4 AS data
        OFFSET 0
    ) AS batch
),
-- Reads `detailed`. Makes `given`: the personal details of events that an earlier statement appended.
-- MATERIALIZED: see matched_events.sql.
given AS MATERIALIZED (
    SELECT *
    FROM detailed
)
-- Reads `given`. Inserts them.
INSERT INTO mailglass_event_details (event_id, tenant_id, recipient, data)
SELECT event_id, tenant_id, recipient, data
FROM given;

COMMIT;
