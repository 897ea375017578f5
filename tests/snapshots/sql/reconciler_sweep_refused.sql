-- Returns events that others appended and no sweep has read yet.
SELECT event.id, event.delivery_id, event.normalized_payload, event.metadata
FROM mailglass_event_links AS link
JOIN mailglass_events AS event ON event.id = link.event_id
WHERE link.waiting_reason = 'unread'
  AND ($1 IS NULL OR link.tenant_id = $1)
LIMIT $2;

WITH named AS (
    SELECT
        pg_catalog.unnest(event_id) AS event_id,
        pg_catalog.unnest(provider) AS provider,
        pg_catalog.unnest(provider_message_id) AS provider_message_id,
        pg_catalog.unnest(recipient) AS recipient,
        pg_catalog.unnest(waiting_reason) AS waiting_reason
    FROM (
        SELECT
            $1 AS event_id,
            $2 AS provider,
            $3 AS provider_message_id,
            $4 AS recipient,
            $5 AS waiting_reason
        OFFSET 0
    ) AS batch
),
-- Reads `named`. Makes `unread`: the links that no sweep has read yet. Two sweeps may adopt the same events, so each locks
-- the rows in the order of their ids.
unread AS (
    SELECT event_id
    FROM mailglass_event_links
    WHERE event_id IN (SELECT event_id FROM named)
      AND waiting_reason = 'unread'
    ORDER BY event_id
    FOR UPDATE
)
-- Reads `named` and `unread`. Writes what the events name to their links.
UPDATE mailglass_event_links AS link
SET
    provider = named.provider,
    provider_message_id = named.provider_message_id,
    recipient = named.recipient,
    waiting_reason = named.waiting_reason
FROM named
JOIN unread ON unread.event_id = named.event_id
WHERE link.event_id = named.event_id;

-- a statement of reconciler_sweep.sql

WITH -- Makes `wanted`: the links that this sweep checks, least recently checked first.
wanted AS (
    SELECT *
    FROM mailglass_event_links
    WHERE linked_at IS NULL
      AND expired_at IS NULL
      AND waiting_reason <> 'unread'
      AND ($1 IS NULL OR tenant_id = $1)
      AND ($4 IS NULL OR event_id = ANY ($4))
      AND inserted_at <= pg_catalog.now() - pg_catalog.make_interval(secs => $3)
    ORDER BY checked_at
    LIMIT $2
    -- Skip rows that another sweep has locked.
    FOR UPDATE SKIP LOCKED
)
SELECT event_id
FROM wanted;

-- a statement of reconciler_sweep.sql

WITH -- Makes `wanted`: a pending link, moved behind the others.
-- `clock` is a CTE, because Citus rejects clock_timestamp() in an UPDATE.
clock AS (
    SELECT pg_catalog.clock_timestamp() AS checked_at
),
wanted AS (
    UPDATE mailglass_event_links AS link
    SET checked_at = clock.checked_at
    FROM clock
    WHERE link.event_id = $1
      AND link.linked_at IS NULL
      AND link.expired_at IS NULL
    RETURNING link.*
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
)
SELECT delivery.id AS delivery_id
FROM matched
JOIN mailglass_deliveries AS delivery ON delivery.id = matched.candidate_id
WHERE delivery.tenant_id = matched.tenant_id;

-- a statement of reconciler_sweep.sql
