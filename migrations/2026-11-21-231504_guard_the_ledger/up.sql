-- The guard: rejects every change to the ledger. Programs recognize the error by SQLSTATE 45A01 or, if a driver drops the
-- SQLSTATE (as Diesel does), by DETAIL, which has the operation, and by CONSTRAINT and TABLE.
CREATE FUNCTION mailglass_raise_immutability() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = '45A01',
        MESSAGE = format('%s is append-only: %s is rejected', TG_TABLE_NAME, TG_OP),
        DETAIL = 'mailglass:immutable:' || lower(TG_OP),
        HINT = 'Append another event that reports the change.',
        CONSTRAINT = 'mailglass_events_immutable_trigger',
        TABLE = TG_TABLE_NAME,
        SCHEMA = TG_TABLE_SCHEMA;
END;
$$;

COMMENT ON FUNCTION mailglass_raise_immutability() IS
    'Rejects every change to mailglass_events with SQLSTATE 45A01.';

CREATE TRIGGER mailglass_events_immutable_trigger
    BEFORE UPDATE OR DELETE ON mailglass_events
    FOR EACH ROW EXECUTE FUNCTION mailglass_raise_immutability();

-- A row trigger does not fire for TRUNCATE, for a statement that matches no row, or for ON CONFLICT DO UPDATE without a conflict.
CREATE TRIGGER mailglass_events_immutable_statement_trigger
    BEFORE UPDATE OR DELETE OR TRUNCATE ON mailglass_events
    FOR EACH STATEMENT EXECUTE FUNCTION mailglass_raise_immutability();

-- ALWAYS: other triggers do not fire under session_replication_role = replica.
ALTER TABLE mailglass_events ENABLE ALWAYS TRIGGER mailglass_events_immutable_trigger;
ALTER TABLE mailglass_events ENABLE ALWAYS TRIGGER mailglass_events_immutable_statement_trigger;

COMMENT ON TRIGGER mailglass_events_immutable_trigger ON mailglass_events IS
    'Rejects every UPDATE and DELETE of a row, including MERGE and ON CONFLICT DO UPDATE.';
COMMENT ON TRIGGER mailglass_events_immutable_statement_trigger ON mailglass_events IS
    'Rejects TRUNCATE, and statements that match no row.';
