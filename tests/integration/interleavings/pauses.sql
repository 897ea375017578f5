-- Makes statements pause in the middle until the test that schedules the sessions lets them continue.
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

-- A sweep pauses after it has found the delivery of a link, before it updates the link.
CREATE TRIGGER interleavings_pause BEFORE UPDATE ON mailglass_event_links
    FOR EACH ROW EXECUTE FUNCTION interleavings_pause_row();

-- An insert pauses after it has checked whether its idempotency key is taken, and before it adds an entry to the first
-- unique index. Without the pause, this window is a few microseconds long. PostgreSQL computes index entries in the order of
-- the OIDs of the indexes, so the index that pauses must be older than the unique indexes.
--
-- Whether an update adds index entries depends on the free space of the page. To make schedules reproducible, only inserts
-- pause; their trigger sets interleavings.inserts. The function is declared IMMUTABLE, which is wrong, because an index
-- requires it.
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
