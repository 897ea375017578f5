-- The events that were inserted since the cut began, and those that were linked to a delivery. No key: a trigger must not wait.
CREATE TABLE mailglass_cut_arrivals (event_id uuid NOT NULL, delivery_id uuid)
