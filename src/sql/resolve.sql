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
    FROM (SELECT * FROM matched :lock_order) AS matched
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
        :lock
    ) AS delivery ON true
)
