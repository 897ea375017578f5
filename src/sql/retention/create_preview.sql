-- The deliveries that would leave. During a cut, a table of the same name has those that leave.
CREATE TEMPORARY TABLE mailglass_cut_deliveries (delivery_id uuid NOT NULL PRIMARY KEY) ON COMMIT DROP
