-- The events that leave. After the swap, those whose details are still to be deleted.
CREATE TABLE mailglass_cut_events (event_id uuid NOT NULL PRIMARY KEY)
