-- from migrations: guard_the_ledger, up.sql;

WITH batch AS (
    SELECT
        pg_catalog.unnest(id) AS id,
        pg_catalog.unnest(tenant_id) AS tenant_id,
        pg_catalog.unnest(mailable) AS mailable,
        pg_catalog.unnest(stream) AS stream,
        pg_catalog.unnest(recipient) AS recipient,
        pg_catalog.unnest(recipient_domain) AS recipient_domain,
        pg_catalog.unnest(provider) AS provider,
        pg_catalog.unnest(provider_message_id) AS provider_message_id,
        pg_catalog.unnest(metadata) AS metadata,
        pg_catalog.unnest(idempotency_key) AS idempotency_key,
        pg_catalog.unnest(event_id) AS event_id,
        pg_catalog.unnest(event_type) AS event_type,
        pg_catalog.unnest(occurred_at) AS occurred_at
    FROM (
        SELECT
            $1 AS id,
            $2 AS tenant_id,
            $3 AS mailable,
            $4 AS stream,
            $5 AS recipient,
            $6 AS recipient_domain,
            $7 AS provider,
            $8 AS provider_message_id,
            $9 AS metadata,
            $10 AS idempotency_key,
            $11 AS event_id,
            $12 AS event_type,
            $13 AS occurred_at
        OFFSET 0
    ) AS batch
),
-- Reads `batch`. Makes `input`: the first of several rows with the same id. Event ids ascend within a batch.
input AS (
    SELECT DISTINCT ON (id) *
    FROM batch
    ORDER BY id, event_id
),
-- Reads `input`. Makes `facts`: the first event of each delivery.
facts AS (
    SELECT id AS delivery_id, event_type AS type, occurred_at
    FROM input
),
-- Reads `facts` (delivery_id, type, occurred_at). Makes `folded`: the projection columns of each delivery, by `id`.
-- An event type that this build does not know has no rank and is left out.
folded AS (
    SELECT
        delivery_id AS id,
        (pg_catalog.array_agg(type ORDER BY occurred_at DESC, lifecycle_rank DESC))[1] AS last_event_type,
        pg_catalog.max(occurred_at) AS last_event_at,
        pg_catalog.bool_or((ARRAY[false, false, true, false, false, false, true, true, true, true, false, false, false, false, false, true]::boolean[])[lifecycle_rank]) AS terminal,
        pg_catalog.min(occurred_at) FILTER (WHERE type::text = 'dispatched') AS dispatched_at,
        pg_catalog.min(occurred_at) FILTER (WHERE type::text = 'delivered') AS delivered_at,
        pg_catalog.min(occurred_at) FILTER (WHERE type::text = 'bounced') AS bounced_at,
        pg_catalog.min(occurred_at) FILTER (WHERE type::text = 'complained') AS complained_at,
        pg_catalog.min(occurred_at) FILTER (WHERE type::text = 'suppressed') AS suppressed_at,
        (ARRAY['queued', 'dispatched', 'sent', 'failed', 'suppressed']::text[])[
            coalesce(pg_catalog.max((ARRAY[NULL, 1, 5, 2, 3, NULL, 4, 4, 3, 4, 3, 3, 3, NULL, NULL, 3]::integer[])[lifecycle_rank]), 1)
        ]::mailglass_delivery_status AS status
    FROM facts
    CROSS JOIN LATERAL (
        SELECT pg_catalog.array_position(ARRAY['unknown', 'queued', 'suppressed', 'dispatched', 'sent', 'deferred', 'rejected', 'failed', 'delivered', 'bounced', 'autoresponded', 'opened', 'clicked', 'subscribed', 'unsubscribed', 'complained']::text[], type::text) AS lifecycle_rank
    ) AS ranked
    WHERE lifecycle_rank IS NOT NULL
    GROUP BY delivery_id
),
-- Reads `input` and `folded`. Makes `inserted`: inserts the deliveries that meet no conflict.
inserted AS (
    INSERT INTO mailglass_deliveries (
        id, tenant_id, mailable, stream, recipient, recipient_domain, provider, provider_message_id, metadata,
        idempotency_key,
        last_event_type, last_event_at, terminal, dispatched_at, delivered_at, bounced_at, complained_at,
        suppressed_at, status
    )
    SELECT
        input.id, input.tenant_id, input.mailable, input.stream, input.recipient, input.recipient_domain,
        input.provider, input.provider_message_id, input.metadata, input.idempotency_key,
        folded.last_event_type, folded.last_event_at, folded.terminal, folded.dispatched_at, folded.delivered_at,
        folded.bounced_at, folded.complained_at, folded.suppressed_at, folded.status
    FROM input
    JOIN folded ON folded.id = input.id
    -- All batches insert in the same order, so that batches that wait for each other's rows never deadlock. Of several rows
    -- of the batch with one key, the first is inserted.
    ORDER BY
        input.idempotency_key,
        CASE WHEN input.idempotency_key IS NOT NULL THEN input.event_id END,
        input.provider,
        input.provider_message_id,
        input.recipient,
        input.id
    -- Without a target it covers every unique index: a replay that races with its first insert may conflict on the primary
    -- key or the provider message before it conflicts on the idempotency key. delivery_obstacles.sql finds out which.
    ON CONFLICT DO NOTHING
    RETURNING *
),
-- Reads `input` and `inserted`. Makes `first_events`: appends the first event of each new delivery.
first_events AS (
    INSERT INTO mailglass_events (id, tenant_id, delivery_id, type, occurred_at)
    SELECT input.event_id, input.tenant_id, input.id, input.event_type, input.occurred_at
    FROM input
    JOIN inserted ON inserted.id = input.id
)
SELECT
    id, tenant_id, mailable, stream, recipient, recipient_domain, provider, provider_message_id, last_event_type,
    last_event_at, terminal, dispatched_at, delivered_at, bounced_at, complained_at, suppressed_at, metadata,
    lock_version, idempotency_key, status, last_error, inserted_at, updated_at
FROM inserted;

WITH subject AS (
    SELECT
        pg_catalog.unnest(tenant_id) AS tenant_id,
        pg_catalog.unnest(delivery_id) AS delivery_id
    FROM (
        SELECT
            $1 AS tenant_id,
            $2 AS delivery_id
        OFFSET 0
    ) AS batch
),
-- Reads `subject` (tenant_id, delivery_id). Makes `timeline`: the facts of each delivery, which are the events that found it
-- when they were appended, and those that were linked to it later. It never reads another tenant's.
-- OFFSET 0 keeps the planner to the indexes by delivery and by id. If the tables were small or not analyzed yet, it would
-- read a tenant's whole ledger for each delivery, and a connection keeps such a plan until the next ANALYZE.
timeline AS (
    SELECT subject.delivery_id AS timeline_of, own.*
    FROM subject
    CROSS JOIN LATERAL (
        SELECT * FROM mailglass_events AS event WHERE event.delivery_id = subject.delivery_id OFFSET 0
    ) AS own
    WHERE own.tenant_id = subject.tenant_id
      -- An event that named its delivery before it existed becomes a fact when it is linked.
      AND NOT own.needs_reconciliation
    UNION ALL
    SELECT subject.delivery_id AS timeline_of, linked.*
    FROM subject
    CROSS JOIN LATERAL (
        SELECT * FROM mailglass_event_links AS link WHERE link.delivery_id = subject.delivery_id OFFSET 0
    ) AS link
    CROSS JOIN LATERAL (
        SELECT * FROM mailglass_events AS event WHERE event.id = link.event_id OFFSET 0
    ) AS linked
    WHERE link.tenant_id = subject.tenant_id
      AND linked.tenant_id = subject.tenant_id
),
-- Reads `timeline`. Makes `facts`.
facts AS (
    SELECT timeline_of AS delivery_id, type, occurred_at
    FROM timeline
),
-- Reads `facts` (delivery_id, type, occurred_at). Makes `folded`: the projection columns of each delivery, by `id`.
-- An event type that this build does not know has no rank and is left out.
folded AS (
    SELECT
        delivery_id AS id,
        (pg_catalog.array_agg(type ORDER BY occurred_at DESC, lifecycle_rank DESC))[1] AS last_event_type,
        pg_catalog.max(occurred_at) AS last_event_at,
        pg_catalog.bool_or((ARRAY[false, false, true, false, false, false, true, true, true, true, false, false, false, false, false, true]::boolean[])[lifecycle_rank]) AS terminal,
        pg_catalog.min(occurred_at) FILTER (WHERE type::text = 'dispatched') AS dispatched_at,
        pg_catalog.min(occurred_at) FILTER (WHERE type::text = 'delivered') AS delivered_at,
        pg_catalog.min(occurred_at) FILTER (WHERE type::text = 'bounced') AS bounced_at,
        pg_catalog.min(occurred_at) FILTER (WHERE type::text = 'complained') AS complained_at,
        pg_catalog.min(occurred_at) FILTER (WHERE type::text = 'suppressed') AS suppressed_at,
        (ARRAY['queued', 'dispatched', 'sent', 'failed', 'suppressed']::text[])[
            coalesce(pg_catalog.max((ARRAY[NULL, 1, 5, 2, 3, NULL, 4, 4, 3, 4, 3, 3, 3, NULL, NULL, 3]::integer[])[lifecycle_rank]), 1)
        ]::mailglass_delivery_status AS status
    FROM facts
    CROSS JOIN LATERAL (
        SELECT pg_catalog.array_position(ARRAY['unknown', 'queued', 'suppressed', 'dispatched', 'sent', 'deferred', 'rejected', 'failed', 'delivered', 'bounced', 'autoresponded', 'opened', 'clicked', 'subscribed', 'unsubscribed', 'complained']::text[], type::text) AS lifecycle_rank
    ) AS ranked
    WHERE lifecycle_rank IS NOT NULL
    GROUP BY delivery_id
),
-- Reads `folded`. Makes `next`: the projection columns as they are folded, whatever the row has. An earlier statement has
-- locked the rows.
next AS (
    SELECT * FROM folded
),
-- Reads `next`. Makes `projected`: updates the rows that differ, and only those, so that a replay changes nothing.
-- LIMIT NULL removes no row, but behind a SELECT it makes the planner expect so few rows that it looks up each of them by
-- id. It would scan a table that was small or not analyzed yet, and a connection keeps such a plan until the next ANALYZE.
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
          delivery.last_event_type::text, delivery.last_event_at, delivery.terminal, delivery.dispatched_at,
          delivery.delivered_at, delivery.bounced_at, delivery.complained_at, delivery.suppressed_at,
          delivery.status::text
      ) IS DISTINCT FROM (
          next.last_event_type::text, next.last_event_at, next.terminal, next.dispatched_at, next.delivered_at,
          next.bounced_at, next.complained_at, next.suppressed_at, next.status::text
      )
    RETURNING delivery.id
)
SELECT id
FROM projected;

SELECT "mailglass_deliveries"."id", "mailglass_deliveries"."tenant_id", "mailglass_deliveries"."mailable",
    "mailglass_deliveries"."stream", "mailglass_deliveries"."recipient", "mailglass_deliveries"."recipient_domain",
    "mailglass_deliveries"."provider", "mailglass_deliveries"."provider_message_id",
    "mailglass_deliveries"."last_event_type", "mailglass_deliveries"."last_event_at",
    "mailglass_deliveries"."terminal", "mailglass_deliveries"."dispatched_at", "mailglass_deliveries"."delivered_at",
    "mailglass_deliveries"."bounced_at", "mailglass_deliveries"."complained_at",
    "mailglass_deliveries"."suppressed_at", "mailglass_deliveries"."metadata", "mailglass_deliveries"."lock_version",
    "mailglass_deliveries"."idempotency_key", "mailglass_deliveries"."status", "mailglass_deliveries"."last_error",
    "mailglass_deliveries"."inserted_at", "mailglass_deliveries"."updated_at"
FROM "mailglass_deliveries"
WHERE ("mailglass_deliveries"."id" = ANY($1));

COMMIT;
