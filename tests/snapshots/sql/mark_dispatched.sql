BEGIN;

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
WHERE (("mailglass_deliveries"."id" = $1) AND (("mailglass_deliveries"."tenant_id" = $2) IS NOT DISTINCT
FROM $3))
LIMIT $4
FOR NO KEY UPDATE;

UPDATE "mailglass_deliveries"
SET "provider" = $1, "provider_message_id" = $2,
    "lock_version" = CASE WHEN lock_version = 2147483647 THEN 1 ELSE lock_version + 1 END,
    "updated_at" = CURRENT_TIMESTAMP
WHERE ((("mailglass_deliveries"."id" = $3) AND (("mailglass_deliveries"."tenant_id" = $4) IS NOT DISTINCT
FROM $5)) AND ("mailglass_deliveries"."lock_version" = $6))
RETURNING "mailglass_deliveries"."id", "mailglass_deliveries"."tenant_id", "mailglass_deliveries"."mailable",
    "mailglass_deliveries"."stream", "mailglass_deliveries"."recipient", "mailglass_deliveries"."recipient_domain",
    "mailglass_deliveries"."provider", "mailglass_deliveries"."provider_message_id",
    "mailglass_deliveries"."last_event_type", "mailglass_deliveries"."last_event_at",
    "mailglass_deliveries"."terminal", "mailglass_deliveries"."dispatched_at", "mailglass_deliveries"."delivered_at",
    "mailglass_deliveries"."bounced_at", "mailglass_deliveries"."complained_at",
    "mailglass_deliveries"."suppressed_at", "mailglass_deliveries"."metadata", "mailglass_deliveries"."lock_version",
    "mailglass_deliveries"."idempotency_key", "mailglass_deliveries"."status", "mailglass_deliveries"."last_error",
    "mailglass_deliveries"."inserted_at", "mailglass_deliveries"."updated_at";

-- a statement of record.sql

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
)
SELECT event_id
FROM early;

-- a statement of find.sql

COMMIT;
