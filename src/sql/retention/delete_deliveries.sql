DELETE FROM mailglass_deliveries AS delivery
USING mailglass_cut_deliveries AS leaving
WHERE delivery.id = leaving.delivery_id
