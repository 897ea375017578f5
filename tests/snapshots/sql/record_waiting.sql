BEGIN;

-- a statement of record_several.sql

WITH wanted AS (
    SELECT
        pg_catalog.unnest(id) AS id,
        pg_catalog.unnest(tenant_id) AS tenant_id,
        pg_catalog.unnest(named_delivery_id) AS named_delivery_id,
        pg_catalog.unnest(type) AS type,
        pg_catalog.unnest(occurred_at) AS occurred_at,
        pg_catalog.unnest(idempotency_key) AS idempotency_key,
        pg_catalog.unnest(reject_reason) AS reject_reason,
        pg_catalog.unnest(normalized_payload) AS normalized_payload,
        pg_catalog.unnest(metadata) AS metadata,
        pg_catalog.unnest(trace_id) AS trace_id,
        pg_catalog.unnest(provider) AS provider,
        pg_catalog.unnest(provider_message_id) AS provider_message_id,
        pg_catalog.unnest(recipient) AS recipient,
        pg_catalog.unnest(malformed) AS malformed
    FROM (
        SELECT
            $1 AS id,
            $2 AS tenant_id,
            $3 AS named_delivery_id,
            $4 AS type,
            $5 AS occurred_at,
            $6 AS idempotency_key,
            $7 AS reject_reason,
            $8 AS normalized_payload,
            $9 AS metadata,
            $10 AS trace_id,
            $11 AS provider,
            $12 AS provider_message_id,
            $13 AS recipient,
            $14 AS malformed
        OFFSET 0
    ) AS batch
),
-- Reads `wanted`. Makes `matched`: the same rows, each with the delivery that it names, or the one that fits the provider
-- message that it names. It never looks outside the tenant of the row.
-- `(…) IS TRUE` keeps a comparison out of the index conditions, so that the planner uses the index that the other
-- conditions name. Otherwise it may use the index by tenant or by message, and read all rows of either: see timeline.sql.
matched AS (
    SELECT
        wanted.*,
        coalesce(
            named_delivery_id,
            CASE WHEN pg_catalog.cardinality(candidates) = 1 THEN candidates[1] END
        ) AS candidate_id,
        coalesce(pg_catalog.cardinality(candidates) > 1, false) AS ambiguous
    FROM (
        SELECT
            wanted.*,
            -- Two matches are enough to know that it is ambiguous.
            CASE
                WHEN named_delivery_id IS NOT NULL OR provider_message_id IS NULL THEN NULL
                WHEN recipient IS NULL THEN ARRAY(
                    SELECT delivery.id
                    FROM mailglass_deliveries AS delivery
                    WHERE delivery.provider = wanted.provider
                      AND delivery.provider_message_id = wanted.provider_message_id
                      AND (delivery.tenant_id = wanted.tenant_id) IS TRUE
                    LIMIT 2
                )
                ELSE coalesce(
                    -- The exact recipient takes precedence over one that differs in case.
                    (
                        SELECT ARRAY[delivery.id]
                        FROM mailglass_deliveries AS delivery
                        WHERE delivery.provider = wanted.provider
                          AND delivery.provider_message_id = wanted.provider_message_id
                          AND delivery.recipient = wanted.recipient
                          AND (delivery.tenant_id = wanted.tenant_id) IS TRUE
                    ),
                    -- In a scope, by the message: below a policy, `lower` can't be an index condition, and a whole tenant would be
                    -- read. A message has few deliveries. Outside of a scope, by the recipient: it reads one row.
                    CASE WHEN pg_catalog.current_setting('mailglass.tenant_id', true) <> '' THEN ARRAY(
                        SELECT delivery.id
                        FROM mailglass_deliveries AS delivery
                        WHERE delivery.provider = wanted.provider
                          AND delivery.provider_message_id = wanted.provider_message_id
                          AND (delivery.tenant_id = wanted.tenant_id) IS TRUE
                          AND (
                              pg_catalog.lower(delivery.recipient COLLATE "C") = pg_catalog.lower(wanted.recipient COLLATE "C")
                          ) IS TRUE
                        LIMIT 2
                    ) END,
                    ARRAY(
                        SELECT delivery.id
                        FROM mailglass_deliveries AS delivery
                        WHERE delivery.tenant_id = wanted.tenant_id
                          AND pg_catalog.lower(delivery.recipient COLLATE "C")
                              = pg_catalog.lower(wanted.recipient COLLATE "C")
                          AND delivery.provider_message_id = wanted.provider_message_id
                          AND (delivery.provider = wanted.provider) IS TRUE
                        LIMIT 2
                    )
                )
            END AS candidates
        FROM wanted
        OFFSET 0
    ) AS wanted
),
-- Reads `matched`. Makes `waiting`: events that an earlier statement appended, and that wait for their delivery.
-- MATERIALIZED: Citus 13 sends an INSERT … SELECT that it can route as a whole to the worker with a WHERE that is no SQL.
waiting AS MATERIALIZED (
    SELECT *
    FROM matched
),
-- Reads `waiting`. Makes `pending`: writes a link for each event that waits for its delivery.
pending AS (
    INSERT INTO mailglass_event_links AS link (
        event_id, tenant_id, named_delivery_id, provider, provider_message_id, recipient, waiting_reason
    )
    SELECT
        id,
        tenant_id,
        named_delivery_id,
        provider,
        provider_message_id,
        recipient,
        CASE
            WHEN named_delivery_id IS NULL AND malformed THEN 'malformed'
            WHEN ambiguous THEN 'ambiguous'
            ELSE 'no_delivery'
        END
    FROM waiting
    -- The trigger has inserted an unread link if an earlier statement appended the event, and always on Citus, which runs the
    -- CTEs one after the other.
    ON CONFLICT (event_id) DO UPDATE
    SET
        provider = excluded.provider,
        provider_message_id = excluded.provider_message_id,
        recipient = excluded.recipient,
        waiting_reason = excluded.waiting_reason
    WHERE link.waiting_reason = 'unread'
    RETURNING link.event_id
)
SELECT event_id
FROM pending;

COMMIT;
