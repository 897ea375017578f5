-- Triggers that fire always, never, on a replica or on a condition, and the functions behind them.
CREATE SCHEMA audit;
CREATE FUNCTION audit.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'BEGIN RETURN NULL; END';
CREATE FUNCTION audit.level(a integer DEFAULT 1, b text DEFAULT '</pre>') RETURNS integer LANGUAGE sql IMMUTABLE
AS $fn$ SELECT 1 -- ``` </pre> <script>alert('source')</script>
$fn$;
COMMENT ON FUNCTION audit.level(integer, text) IS 'One of two.';
CREATE FUNCTION audit.level(b boolean) RETURNS integer LANGUAGE sql IMMUTABLE RETURN 2;
CREATE TABLE invoices (
    id    bigint DEFAULT audit.level(2),
    level integer GENERATED ALWAYS AS (audit.level(true)) STORED
);
CREATE TRIGGER "a note" AFTER INSERT OR UPDATE OF id ON invoices
    FOR EACH ROW WHEN (NEW.id > 0) EXECUTE FUNCTION audit.note();
ALTER TABLE invoices DISABLE TRIGGER "a note";
CREATE TRIGGER on_replica BEFORE TRUNCATE ON invoices EXECUTE FUNCTION audit.note();
ALTER TABLE invoices ENABLE REPLICA TRIGGER on_replica;
COMMENT ON TRIGGER on_replica ON invoices IS 'Fires on a replica only.';
CREATE TRIGGER always_fires BEFORE DELETE ON invoices FOR EACH ROW EXECUTE FUNCTION audit.note();
ALTER TABLE invoices ENABLE ALWAYS TRIGGER always_fires;
