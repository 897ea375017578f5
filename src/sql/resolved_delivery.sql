SELECT found_delivery_id AS delivery_id
FROM resolved
