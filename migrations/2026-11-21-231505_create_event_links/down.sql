DROP TRIGGER mailglass_events_await_reconciliation_trigger ON mailglass_events;
DROP FUNCTION mailglass_await_reconciliation();
DROP TABLE mailglass_event_links;
DROP FUNCTION mailglass_raise_link_is_final();
