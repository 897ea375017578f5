-- Reads `page` and `leaving`. Makes `noted`: writes the deliveries that leave.
noted AS (
    INSERT INTO mailglass_cut_deliveries (delivery_id)
    SELECT id
    FROM leaving
)
