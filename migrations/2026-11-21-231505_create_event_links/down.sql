DROP TABLE mailglass_event_links;
