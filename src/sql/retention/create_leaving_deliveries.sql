-- The deliveries that leave.
CREATE TABLE mailglass_cut_deliveries (delivery_id uuid NOT NULL PRIMARY KEY)
