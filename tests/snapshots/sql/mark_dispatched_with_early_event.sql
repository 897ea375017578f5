BEGIN;

-- a statement of mark_dispatched.sql

-- a statement of record.sql

-- a statement of mark_dispatched.sql

SAVEPOINT diesel_savepoint_1;

WITH dispatched AS (
    SELECT
        $1 AS delivery_id,
        $2 AS tenant_id,
        $3 AS provider,
        $4 AS provider_message_id,
        $5 AS recipient
    OFFSET 0
),
-- Reads `dispatched` (delivery_id, tenant_id, provider, provider_message_id, recipient), which has each delivery once. Makes
-- `early` (event_id, delivery_id, waiting_reason, expired_at): the links that wait for the message of a delivery, locked.
-- It links what a sweep would, see match_deliveries.sql: of several deliveries with the message, the one with exactly the
-- recipient, or else the only one that fits. What is ambiguous is left to the sweep. Other deliveries are searched for in the
-- table and in `dispatched`, because the statement may write the messages itself.
-- One probe of mailglass_event_links_pending_message_idx for each delivery: without `linked_at`, no other index of pending links
-- can be used. `(…) IS TRUE`: see match_deliveries.sql.
early AS (
    SELECT link.event_id, dispatched.delivery_id, link.waiting_reason, link.expired_at
    FROM dispatched
    CROSS JOIN LATERAL (
        SELECT link.event_id, link.waiting_reason, link.expired_at
        FROM mailglass_event_links AS link
        WHERE link.provider = dispatched.provider
          AND link.provider_message_id = dispatched.provider_message_id
          AND (link.tenant_id = dispatched.tenant_id) IS TRUE
          AND link.delivery_id IS NULL
          AND link.expired_at IS NULL
          AND link.waiting_reason <> 'unread'
          -- An event that names a delivery by its id waits for that one.
          AND link.named_delivery_id IS NULL
          AND (
              link.recipient = dispatched.recipient
              OR (
                  (
                      link.recipient IS NULL
                      OR pg_catalog.lower(link.recipient COLLATE "C")
                          = pg_catalog.lower(dispatched.recipient COLLATE "C")
                  )
                  AND NOT EXISTS (
                      SELECT
                      FROM mailglass_deliveries AS other
                      WHERE other.provider = dispatched.provider
                        AND other.provider_message_id = dispatched.provider_message_id
                        AND (other.tenant_id = dispatched.tenant_id) IS TRUE
                        AND (other.id <> dispatched.delivery_id) IS TRUE
                        AND (
                            link.recipient IS NULL
                            OR pg_catalog.lower(other.recipient COLLATE "C")
                                = pg_catalog.lower(link.recipient COLLATE "C")
                        )
                      OFFSET 0
                  )
                  AND NOT EXISTS (
                      SELECT
                      FROM dispatched AS other
                      WHERE other.provider = dispatched.provider
                        AND other.provider_message_id = dispatched.provider_message_id
                        AND other.tenant_id = dispatched.tenant_id
                        AND other.delivery_id <> dispatched.delivery_id
                        AND (
                            link.recipient IS NULL
                            OR pg_catalog.lower(other.recipient COLLATE "C")
                                = pg_catalog.lower(link.recipient COLLATE "C")
                        )
                      OFFSET 0
                  )
              )
          )
        -- Skip rows that a sweep has locked: it may wait for a delivery that this transaction has locked.
        FOR UPDATE SKIP LOCKED
    ) AS link
),
-- Reads `early`. Makes `outcomes`: each link is completed. The times are computed here: see sweep_outcomes.sql.
outcomes AS (
    SELECT
        event_id,
        delivery_id,
        waiting_reason,
        pg_catalog.clock_timestamp() AS checked_at,
        pg_catalog.now() AS linked_at,
        expired_at
    FROM early
),
-- Reads `outcomes`. Makes `updated`: writes each outcome to its link.
updated AS (
    UPDATE mailglass_event_links AS link
    SET
        delivery_id = outcomes.delivery_id,
        waiting_reason = outcomes.waiting_reason,
        -- The recipient is personal data, and the delivery has it. An expired event has no delivery, so its link keeps the
        -- recipient: without it, the event's details could not be found when the person is erased.
        recipient = CASE WHEN outcomes.delivery_id IS NULL THEN link.recipient END,
        checked_at = outcomes.checked_at,
        linked_at = outcomes.linked_at,
        expired_at = outcomes.expired_at
    FROM outcomes
    WHERE link.event_id = outcomes.event_id
),
-- Reads `outcomes`. Makes `linked` (event_id, delivery_id, type, occurred_at): the events that are linked now.
-- OFFSET 0: see timeline.sql.
linked AS (
    SELECT outcomes.event_id, outcomes.delivery_id, event.type, event.occurred_at
    FROM outcomes
    CROSS JOIN LATERAL (
        SELECT type, occurred_at FROM mailglass_events AS event WHERE event.id = outcomes.event_id OFFSET 0
    ) AS event
    WHERE outcomes.delivery_id IS NOT NULL
),
-- Reads `linked`. Makes `facts`.
facts AS (
    SELECT delivery_id, type, occurred_at
    FROM linked
),
-- Reads `facts` (delivery_id, type, occurred_at). Makes `folded`: the projection columns of each delivery, by `id`.
-- An event type that this build does not know has no rank and is left out.
folded AS (
    SELECT
        delivery_id AS id,
        -- The greatest (occurred_at, lifecycle_rank), as one number: microseconds since 1970, and the rank in the last five
        -- bits. An aggregate with ORDER BY sorts every delivery by itself. Measured: 7 % of `record` of 1,000 events.
        (ARRAY['unknown', 'queued', 'suppressed', 'dispatched', 'sent', 'deferred', 'rejected', 'failed', 'delivered',
        'bounced', 'autoresponded', 'opened', 'clicked', 'subscribed', 'unsubscribed', 'complained']::text[])[
            pg_catalog.max(
                (extract(epoch FROM occurred_at) OPERATOR(pg_catalog.*) 32000000)::bigint + lifecycle_rank
            ) OPERATOR(pg_catalog.&) 31
        ]::mailglass_event_type AS last_event_type,
        pg_catalog.max(occurred_at) AS last_event_at,
        pg_catalog.bool_or((ARRAY[false, false, true, false, false, false, true, true, true, true, false, false, false,
        false, false, true]::boolean[])[lifecycle_rank]) AS terminal,
        pg_catalog.min(occurred_at) FILTER (WHERE label = 'dispatched') AS dispatched_at,
        pg_catalog.min(occurred_at) FILTER (WHERE label = 'delivered') AS delivered_at,
        pg_catalog.min(occurred_at) FILTER (WHERE label = 'bounced') AS bounced_at,
        pg_catalog.min(occurred_at) FILTER (WHERE label = 'complained') AS complained_at,
        pg_catalog.min(occurred_at) FILTER (WHERE label = 'suppressed') AS suppressed_at,
        (ARRAY['queued', 'dispatched', 'sent', 'failed', 'suppressed']::text[])[
            coalesce(pg_catalog.max((ARRAY[NULL, 1, 5, 2, 3, NULL, 4, 4, 3, 4, 3, 3, 3, NULL, NULL, 3]::integer[])[lifecycle_rank]), 1)
        ]::mailglass_delivery_status AS status
    FROM facts
    CROSS JOIN LATERAL (
        SELECT label, pg_catalog.array_position(ARRAY['unknown', 'queued', 'suppressed', 'dispatched', 'sent',
        'deferred', 'rejected', 'failed', 'delivered', 'bounced', 'autoresponded', 'opened', 'clicked', 'subscribed',
        'unsubscribed', 'complained']::text[], label) AS lifecycle_rank
        FROM (SELECT type::text AS label OFFSET 0) AS typed
    ) AS ranked
    WHERE lifecycle_rank IS NOT NULL
    GROUP BY delivery_id
),
-- Reads `folded`. Makes `next`: the projection columns of each existing delivery, merged with its row.
-- The rows are locked one by one in the order of their ids, whatever the order of the events and the plan, so that two
-- batches never wait for each other. After a wait the lock returns the newest version of the row, so that no concurrent
-- change is lost.
next AS MATERIALIZED (
    SELECT
        delivery.id,
        CASE
            WHEN (folded.last_event_at, pg_catalog.array_position(ARRAY['unknown', 'queued', 'suppressed',
            'dispatched', 'sent', 'deferred', 'rejected', 'failed', 'delivered', 'bounced', 'autoresponded', 'opened',
            'clicked', 'subscribed', 'unsubscribed', 'complained']::text[], folded.last_event_type::text))
               > (delivery.last_event_at, pg_catalog.array_position(ARRAY['unknown', 'queued', 'suppressed',
               'dispatched', 'sent', 'deferred', 'rejected', 'failed', 'delivered', 'bounced', 'autoresponded',
               'opened', 'clicked', 'subscribed', 'unsubscribed', 'complained']::text[], delivery.last_event_type::text))
            THEN folded.last_event_type
            ELSE delivery.last_event_type
        END AS last_event_type,
        greatest(delivery.last_event_at, folded.last_event_at) AS last_event_at,
        delivery.terminal OR folded.terminal AS terminal,
        least(delivery.dispatched_at, folded.dispatched_at) AS dispatched_at,
        least(delivery.delivered_at, folded.delivered_at) AS delivered_at,
        least(delivery.bounced_at, folded.bounced_at) AS bounced_at,
        least(delivery.complained_at, folded.complained_at) AS complained_at,
        least(delivery.suppressed_at, folded.suppressed_at) AS suppressed_at,
        -- A status of a newer release has no rank and is kept.
        CASE
            WHEN pg_catalog.array_position(ARRAY['queued', 'dispatched', 'sent', 'failed', 'suppressed']::text[], folded.status::text)
               > pg_catalog.array_position(ARRAY['queued', 'dispatched', 'sent', 'failed', 'suppressed']::text[], delivery.status::text)
            THEN folded.status
            ELSE delivery.status
        END AS status
    FROM (SELECT * FROM folded ORDER BY id) AS folded
    CROSS JOIN LATERAL (
        SELECT
            id,
            last_event_type, last_event_at, terminal, dispatched_at, delivered_at, bounced_at, complained_at,
            suppressed_at, status
        FROM mailglass_deliveries AS delivery
        WHERE delivery.id = folded.id
        FOR NO KEY UPDATE
    ) AS delivery
),
-- Reads `next`. Makes `projected`: updates the rows that differ, and only those, so that a replay changes nothing.
-- LIMIT NULL removes no row, but behind a SELECT it makes the planner expect so few rows that it looks up each of them by
-- id. It would scan a table that was small or not analyzed yet, and a connection keeps such a plan until the next ANALYZE.
-- Measured: one `record` read all 5,000 deliveries.
projected AS (
    UPDATE mailglass_deliveries AS delivery
    SET
        last_event_type = next.last_event_type,
        last_event_at = next.last_event_at,
        terminal = next.terminal,
        dispatched_at = next.dispatched_at,
        delivered_at = next.delivered_at,
        bounced_at = next.bounced_at,
        complained_at = next.complained_at,
        suppressed_at = next.suppressed_at,
        status = next.status,
        -- Compared for equality only, so it starts again at 1 instead of failing.
        lock_version = CASE WHEN delivery.lock_version = 2147483647 THEN 1 ELSE delivery.lock_version + 1 END,
        updated_at = pg_catalog.now()
    FROM (SELECT * FROM next LIMIT (SELECT NULL::bigint)) AS next
    WHERE delivery.id = next.id
      AND (
          -- Not as text: Citus rejects an UPDATE with a STABLE function of a column, and the output of an enum is STABLE.
          -- An operator in another schema may belong to somebody else.
          delivery.last_event_type OPERATOR(pg_catalog.<>) next.last_event_type
          OR delivery.status OPERATOR(pg_catalog.<>) next.status
          OR (
              delivery.last_event_at, delivery.terminal, delivery.dispatched_at, delivery.delivered_at,
              delivery.bounced_at, delivery.complained_at, delivery.suppressed_at
          ) IS DISTINCT FROM (
              next.last_event_at, next.terminal, next.dispatched_at, next.delivered_at, next.bounced_at,
              next.complained_at, next.suppressed_at
          )
      )
    RETURNING delivery.id
)
SELECT id
FROM projected;

RELEASE SAVEPOINT diesel_savepoint_1;

-- a statement of find.sql

COMMIT;
