DROP TABLE mailglass_events;
