DROP TYPE mailglass_suppression_reason;
DROP TYPE mailglass_suppression_scope;
DROP TYPE mailglass_delivery_status;
DROP TYPE mailglass_reject_reason;
DROP TYPE mailglass_event_type;
DROP TYPE mailglass_stream;
