DROP TRIGGER mailglass_events_immutable_statement_trigger ON mailglass_events;
DROP TRIGGER mailglass_events_immutable_trigger ON mailglass_events;
-- CASCADE: Citus does not drop the statement trigger of a shard.
DROP FUNCTION mailglass_raise_immutability() CASCADE;
