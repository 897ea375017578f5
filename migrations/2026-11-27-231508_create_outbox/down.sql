DROP TABLE mailglass_outbox_usage;
DROP TABLE mailglass_outbox;
