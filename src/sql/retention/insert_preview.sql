-- Reads `leaving`. Writes the deliveries that would leave.
INSERT INTO mailglass_cut_deliveries (delivery_id)
SELECT id
FROM leaving
