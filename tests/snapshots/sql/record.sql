WITH wanted AS (
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
-- Reads `matched`. Makes `resolved`: the same rows, each with `found_delivery_id` if its delivery exists.
-- Statements that project lock the delivery (FOR NO KEY UPDATE): between finding and projecting it, it can't be deleted or
-- get another provider message. They lock in the order of the ids, before they wait for any idempotency key, so that no two
-- batches wait for each other. A row that changed while this statement waited for it is checked again.
-- Without a lock, OFFSET 0 keeps the look-up a LATERAL join by id: in the subquery `delivery` against other plans, and in the
-- subquery `matched` against the expression behind `candidate_id`, which below a policy can't be an index condition.
resolved AS (
    SELECT
        matched.*,
        delivery.id AS found_delivery_id
    FROM (SELECT * FROM matched ORDER BY candidate_id) AS matched
    LEFT JOIN LATERAL (
        SELECT delivery.id
        FROM mailglass_deliveries AS delivery
        WHERE delivery.id = matched.candidate_id
          AND (delivery.tenant_id = matched.tenant_id) IS TRUE
          AND (
              matched.named_delivery_id IS NOT NULL
              OR (
                  delivery.provider = matched.provider
                  AND delivery.provider_message_id = matched.provider_message_id
              )
          )
        FOR NO KEY UPDATE
    ) AS delivery ON true
),
-- Reads `resolved`. Makes `inserted`: appends the events whose idempotency key is new.
inserted AS (
    INSERT INTO mailglass_events (
        id, tenant_id, type, occurred_at, idempotency_key, reject_reason, normalized_payload, metadata, trace_id,
        delivery_id, needs_reconciliation
    )
    SELECT
        id, tenant_id, type, occurred_at, idempotency_key, reject_reason, normalized_payload, metadata, trace_id,
        coalesce(named_delivery_id, found_delivery_id),
        found_delivery_id IS NULL AND (named_delivery_id IS NOT NULL OR provider_message_id IS NOT NULL OR malformed)
    FROM resolved
    -- Always true. Citus 13 would send an INSERT … SELECT that it can route as a whole with a WHERE that is no SQL; it routes
    -- none with a VOLATILE function.
    WHERE pg_catalog.clock_timestamp() IS NOT NULL
    -- An insert waits for another transaction that appends the same key. All batches append in the order of the keys, so
    -- they never deadlock. Of two events of the batch with one key, the first is inserted: ids ascend within a batch.
    ORDER BY idempotency_key, id
    ON CONFLICT (idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
    -- The caller has the other columns. Returning them would take an eighth longer at 1,000 events.
    RETURNING id, delivery_id, type, occurred_at, needs_reconciliation, inserted_at
),
-- Reads `inserted` and `resolved`. Makes `waiting`: the new events that wait for their delivery.
waiting AS (
    SELECT resolved.*
    FROM inserted
    JOIN resolved ON resolved.id = inserted.id
    WHERE inserted.needs_reconciliation
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
),
-- Reads `inserted`. Makes `facts`: the new facts of existing deliveries. Replays were not inserted, so they change nothing.
facts AS (
    SELECT delivery_id, type, occurred_at
    FROM inserted
    WHERE delivery_id IS NOT NULL
      AND NOT needs_reconciliation
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
SELECT id, delivery_id, needs_reconciliation, inserted_at
FROM inserted;
