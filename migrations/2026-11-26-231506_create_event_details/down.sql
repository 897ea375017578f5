DROP TABLE mailglass_event_details;
