SELECT delivery.id AS delivery_id
FROM matched
JOIN mailglass_deliveries AS delivery ON delivery.id = matched.candidate_id
WHERE delivery.tenant_id = matched.tenant_id
