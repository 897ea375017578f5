-- Nothing changes a landed event. The message is for people; programs go by SQLSTATE 45A01 or, where a driver drops
-- the SQLSTATE (as Diesel does), by DETAIL, which names the operation, and by CONSTRAINT and TABLE.
CREATE FUNCTION mailglass_raise_immutability() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = '45A01',
        MESSAGE = format('%s is append-only: %s is refused', TG_TABLE_NAME, TG_OP),
        DETAIL = 'mailglass:immutable:' || lower(TG_OP),
        HINT = 'Append a further event that says what changed.',
        CONSTRAINT = 'mailglass_events_immutable_trigger',
        TABLE = TG_TABLE_NAME,
        SCHEMA = TG_TABLE_SCHEMA;
END;
$$;

COMMENT ON FUNCTION mailglass_raise_immutability() IS
    'Refuses every change of mailglass_events with SQLSTATE 45A01.';

CREATE TRIGGER mailglass_events_immutable_trigger
    BEFORE UPDATE OR DELETE ON mailglass_events
    FOR EACH ROW EXECUTE FUNCTION mailglass_raise_immutability();

-- A row trigger sees neither TRUNCATE nor a statement that matches no row, nor ON CONFLICT DO UPDATE without a conflict.
CREATE TRIGGER mailglass_events_immutable_statement_trigger
    BEFORE UPDATE OR DELETE OR TRUNCATE ON mailglass_events
    FOR EACH STATEMENT EXECUTE FUNCTION mailglass_raise_immutability();

-- ALWAYS: a plain trigger sleeps under session_replication_role = replica.
ALTER TABLE mailglass_events ENABLE ALWAYS TRIGGER mailglass_events_immutable_trigger;
ALTER TABLE mailglass_events ENABLE ALWAYS TRIGGER mailglass_events_immutable_statement_trigger;

COMMENT ON TRIGGER mailglass_events_immutable_trigger ON mailglass_events IS
    'Refuses every UPDATE and DELETE of a row, MERGE and ON CONFLICT DO UPDATE included.';
COMMENT ON TRIGGER mailglass_events_immutable_statement_trigger ON mailglass_events IS
    'Refuses TRUNCATE, and statements that would change no row.';
