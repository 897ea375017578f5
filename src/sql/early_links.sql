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
