-- Lets statements pause in the middle, where a test that schedules sessions holds them.
--
-- IMMUTABLE is not true, but an index asks for it.
CREATE FUNCTION interleavings_pause() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    session integer := nullif(current_setting('interleavings.session', true), '');
BEGIN
    IF session IS NOT NULL THEN
        PERFORM pg_advisory_lock(23, session);
        PERFORM pg_advisory_unlock(23, session);
    END IF;
END;
$$;

CREATE FUNCTION interleavings_pause_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM interleavings_pause();
    RETURN NEW;
END;
$$;

-- A sweep pauses when it has found the delivery of a link, before it writes so.
CREATE TRIGGER interleavings_pause BEFORE UPDATE ON mailglass_event_links
    FOR EACH ROW EXECUTE FUNCTION interleavings_pause_row();

-- An insert pauses between the look whether its idempotency key is taken and its entry into the first unique index: a
-- window of microseconds, in which two inserts can pass each other. PostgreSQL computes index entries in the order of the
-- indexes' OIDs, so this one has to be older than the unique ones.
--
-- IMMUTABLE is not true, but an index asks for it. An update may or may not have to make new index entries, as there is room
-- on the page; so that a schedule is the same each time, only an insert pauses, which its trigger announces.
CREATE FUNCTION interleavings_announce_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('interleavings.inserts', NEW.id::text, false);
    RETURN NEW;
END;
$$;

CREATE FUNCTION interleavings_pause_insert(id uuid) RETURNS uuid LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF current_setting('interleavings.inserts', true) = id::text THEN
        PERFORM set_config('interleavings.inserts', '', false), interleavings_pause();
    END IF;
    RETURN id;
END;
$$;

CREATE TRIGGER interleavings_announce_insert BEFORE INSERT ON mailglass_deliveries
    FOR EACH ROW EXECUTE FUNCTION interleavings_announce_insert();
CREATE TRIGGER interleavings_announce_insert BEFORE INSERT ON mailglass_events
    FOR EACH ROW EXECUTE FUNCTION interleavings_announce_insert();

CREATE INDEX interleavings_pause_delivery_idx ON mailglass_deliveries (interleavings_pause_insert(id));
CREATE INDEX interleavings_pause_event_idx ON mailglass_events (interleavings_pause_insert(id));

DO $$
DECLARE
    constraint_of_table record;
    index_of_table record;
BEGIN
    FOR constraint_of_table IN
        SELECT conrelid::regclass AS of, conname AS name, pg_get_constraintdef(oid) AS definition
        FROM pg_constraint
        WHERE conrelid IN ('mailglass_deliveries'::regclass, 'mailglass_events'::regclass) AND contype IN ('p', 'u')
        ORDER BY conindid
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', constraint_of_table.of, constraint_of_table.name);
        EXECUTE format(
            'ALTER TABLE %s ADD CONSTRAINT %I %s',
            constraint_of_table.of, constraint_of_table.name, constraint_of_table.definition
        );
    END LOOP;
    FOR index_of_table IN
        SELECT indexrelid::regclass AS name, pg_get_indexdef(indexrelid) AS definition
        FROM pg_index
        WHERE indrelid IN ('mailglass_deliveries'::regclass, 'mailglass_events'::regclass)
          AND indisunique AND NOT indisprimary
        ORDER BY indexrelid
    LOOP
        EXECUTE format('DROP INDEX %s', index_of_table.name);
        EXECUTE index_of_table.definition;
    END LOOP;
END;
$$;
