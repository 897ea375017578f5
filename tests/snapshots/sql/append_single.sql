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
    FROM (SELECT * FROM matched OFFSET 0) AS matched
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
        OFFSET 0
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
)
SELECT id, delivery_id, needs_reconciliation, inserted_at
FROM inserted;
