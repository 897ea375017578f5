-- a statement of retention_preview.sql

-- The session's lock_timeout in milliseconds; 0 means none.
SELECT setting::bigint AS milliseconds
FROM pg_catalog.pg_settings
WHERE name = 'lock_timeout';

BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;

SELECT pg_catalog.pg_advisory_xact_lock(7881696737187619187);

-- Settings for one step. search_path: names are those of the schema of the ledger, and PostgreSQL prints the same definitions in
-- every session. row_security: a statement from which a policy hides rows fails. statement_timeout: a step is bounded by its batch,
-- except the one that builds an index.
SELECT
    pg_catalog.set_config('search_path', pg_catalog.quote_ident($1) || ', pg_temp', true),
    pg_catalog.set_config('row_security', 'off', true),
    pg_catalog.set_config('statement_timeout', '0', true),
    pg_catalog.set_config('quote_all_identifiers', 'off', true),
    pg_catalog.set_config('standard_conforming_strings', 'on', true);

-- a statement of retention_preview.sql

-- Returns the first of the names with which the name of no table or index of the schema begins.
SELECT name
FROM pg_catalog.unnest($1) WITH ORDINALITY AS candidate (name, position)
WHERE NOT EXISTS (
    SELECT
    FROM pg_catalog.pg_class
    JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname::text = pg_catalog.current_schema()
      AND pg_catalog.starts_with(relname::text, name)
)
ORDER BY position
LIMIT 1;

-- Returns the statements that make the new ledger like the old one, in their order: those that create it (phase 1), those that
-- build its indexes after the copy (phase 2), and those that swap the two under the lock (phase 3). LIKE carries over columns with
-- their types, defaults, NOT NULL, storage and compression, and nothing else. Phase 0 describes these columns.
-- search_path has the schema of the ledger and nothing else, so that PostgreSQL prints the same text every time: the statements
-- are computed again under the lock, to notice a change of the ledger since the cut began.
-- $1: the ledger, $2: the name that the old one gets, $3: the time up to which its events were cut.
WITH ledger AS (
    SELECT
        class.*,
        pg_catalog.pg_get_userbyid(relowner)::text AS owner,
        pg_catalog.format('%I.%I', nspname, relname) AS full_name
    FROM pg_catalog.pg_class AS class
    JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = relnamespace
    WHERE class.oid = $1
),
-- The indexes, each with its name while both ledgers exist, and its name beside the old ledger.
indexes AS (
    SELECT
        index.*,
        class.relname::text AS name,
        'mailglass_events_next_' || pg_catalog.row_number() OVER (ORDER BY indexrelid) AS new_name,
        CASE
            WHEN pg_catalog.starts_with(class.relname::text, 'mailglass_events')
            THEN $2 || pg_catalog.substr(class.relname::text, pg_catalog.length('mailglass_events') + 1)
            -- With the suffix of the kept ledger, within 63 bytes.
            ELSE pg_catalog."left"(class.relname::text, 40) || pg_catalog.substr($2, pg_catalog.length('mailglass_events') + 1)
        END AS kept_name,
        class.reltablespace AS index_tablespace,
        own.oid AS own_constraint,
        own.contype,
        own.condeferrable,
        own.condeferred,
        pg_catalog.pg_get_indexdef(indexrelid) AS definition,
        pg_catalog.concat('CREATE ', CASE WHEN indisunique THEN 'UNIQUE ' END, 'INDEX ')
            || pg_catalog.format('%I ON %s', class.relname, full_name) AS head
    FROM ledger
    JOIN pg_catalog.pg_index AS index ON indrelid = ledger.oid
    JOIN pg_catalog.pg_class AS class ON class.oid = indexrelid
    LEFT JOIN pg_catalog.pg_constraint AS own
        ON own.conindid = indexrelid AND own.conrelid = ledger.oid AND own.contype IN ('p', 'u', 'x')
),
constraints AS (
    SELECT own.oid, conname::text AS name, contype, convalidated, pg_catalog.pg_get_constraintdef(own.oid) AS definition
    FROM ledger
    JOIN pg_catalog.pg_constraint AS own ON conrelid = ledger.oid
    WHERE contype IN ('c', 'f')
),
triggers AS (
    SELECT
        own.oid,
        tgname::text AS name,
        tgenabled,
        tgfoid,
        pg_catalog.pg_get_triggerdef(own.oid) AS definition,
        CASE WHEN tgconstraint <> 0 THEN 'CREATE CONSTRAINT TRIGGER ' ELSE 'CREATE TRIGGER ' END
            || pg_catalog.quote_ident(tgname::text) AS head,
        ' ON ' || full_name || ' ' AS target
    FROM ledger
    JOIN pg_catalog.pg_trigger AS own ON tgrelid = ledger.oid
    WHERE NOT tgisinternal
      AND tgname <> 'mailglass_cut_note_trigger'
),
statistics AS (
    SELECT
        own.oid,
        nspname::text AS schema,
        stxname::text AS name,
        'mailglass_events_next_statistics_' || pg_catalog.row_number() OVER (ORDER BY own.oid) AS new_name,
        pg_catalog."left"(stxname::text, 40) || pg_catalog.substr($2, pg_catalog.length('mailglass_events') + 1) AS kept_name,
        pg_catalog.pg_get_statisticsobjdef(own.oid) AS definition
    FROM ledger
    JOIN pg_catalog.pg_statistic_ext AS own ON stxrelid = ledger.oid
    JOIN pg_catalog.pg_namespace ON pg_namespace.oid = stxnamespace
),
columns AS (
    SELECT attribute.*, attname::text AS name
    FROM ledger
    JOIN pg_catalog.pg_attribute AS attribute ON attrelid = ledger.oid
    WHERE attnum > 0 AND NOT attisdropped
),
policies AS (
    SELECT own.*, polname::text AS name
    FROM ledger
    JOIN pg_catalog.pg_policy AS own ON polrelid = ledger.oid
),
granted AS (
    SELECT NULL::text AS column_name, acl.*
    FROM ledger
    CROSS JOIN LATERAL pg_catalog.aclexplode(relacl) AS acl
    UNION ALL
    SELECT columns.name, acl.*
    FROM columns
    CROSS JOIN LATERAL pg_catalog.aclexplode(attacl) AS acl
),
statements AS (
    SELECT
        0 AS phase,
        attnum::integer AS place,
        name,
        pg_catalog.concat_ws(
            ' ',
            name,
            pg_catalog.format_type(atttypid, atttypmod),
            attnotnull,
            attcollation,
            attstorage,
            attcompression,
            attgenerated,
            pg_catalog.pg_get_expr(adbin, adrelid)
        ) AS statement
    FROM columns
    LEFT JOIN pg_catalog.pg_attrdef ON adrelid = attrelid AND adnum = attnum
    UNION ALL
    SELECT
        1, 1, '',
        pg_catalog.concat(
            'CREATE TABLE mailglass_events_next (LIKE mailglass_events INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING STORAGE INCLUDING COMPRESSION)',
            (SELECT pg_catalog.format(' USING %I', amname) FROM pg_catalog.pg_am WHERE pg_am.oid = relam),
            (
                SELECT ' WITH (' || pg_catalog.string_agg(option, ', ' ORDER BY place, position) || ')'
                FROM (
                    SELECT 1 AS place, position, option
                    FROM pg_catalog.unnest(ledger.reloptions) WITH ORDINALITY AS own (option, position)
                    UNION ALL
                    SELECT 2, position, 'toast.' || option
                    FROM pg_catalog.pg_class AS toast
                    CROSS JOIN LATERAL pg_catalog.unnest(toast.reloptions) WITH ORDINALITY AS own (option, position)
                    WHERE toast.oid = ledger.reltoastrelid
                ) AS options
            ),
            (SELECT pg_catalog.format(' TABLESPACE %I', spcname) FROM pg_catalog.pg_tablespace WHERE pg_tablespace.oid = reltablespace)
        )
    FROM ledger
    UNION ALL
    SELECT 1, 2, name, pg_catalog.format('ALTER TABLE mailglass_events_next ADD CONSTRAINT %I %s', name, definition)
    FROM constraints
    WHERE contype = 'c' AND convalidated
    UNION ALL
    SELECT 1, 3, name, pg_catalog.format('ALTER TABLE mailglass_events_next ALTER COLUMN %I SET STATISTICS %s', name, attstattarget)
    FROM columns
    WHERE coalesce(attstattarget, -1) <> -1
    UNION ALL
    SELECT
        1, 4, name,
        pg_catalog.format(
            'ALTER TABLE mailglass_events_next ALTER COLUMN %I SET (%s)', name, pg_catalog.array_to_string(attoptions, ', ')
        )
    FROM columns
    WHERE attoptions IS NOT NULL
    UNION ALL
    -- The key first: everything that arrives during the cut is compared with it.
    SELECT
        2,
        CASE WHEN contype = 'p' THEN 1 ELSE 2 END,
        name,
        pg_catalog.format(
            'CREATE %sINDEX %I ON mailglass_events_next%s',
            CASE WHEN indisunique THEN 'UNIQUE ' END,
            new_name,
            pg_catalog.substr(definition, pg_catalog.length(head) + 1)
        )
    FROM indexes
    WHERE contype IS DISTINCT FROM 'x'
    UNION ALL
    SELECT
        2, 3, name,
        pg_catalog.format('ALTER INDEX %I SET TABLESPACE %I', new_name, spcname)
    FROM indexes
    JOIN pg_catalog.pg_tablespace ON pg_tablespace.oid = index_tablespace
    UNION ALL
    SELECT
        2, 4, indexes.name,
        pg_catalog.format('ALTER INDEX %I ALTER COLUMN %s SET STATISTICS %s', new_name, attnum, attstattarget)
    FROM indexes
    JOIN pg_catalog.pg_attribute ON attrelid = indexrelid
    WHERE coalesce(attstattarget, -1) <> -1
    UNION ALL
    SELECT
        2,
        CASE WHEN contype = 'p' THEN 1 ELSE 2 END,
        name || ' ',
        pg_catalog.concat_ws(
            ' ',
            pg_catalog.format(
                'ALTER TABLE mailglass_events_next ADD CONSTRAINT %I %s',
                new_name,
                CASE contype
                    WHEN 'x' THEN pg_catalog.pg_get_constraintdef(own_constraint)
                    WHEN 'p' THEN pg_catalog.format('PRIMARY KEY USING INDEX %I', new_name)
                    ELSE pg_catalog.format('UNIQUE USING INDEX %I', new_name)
                END
            ),
            CASE WHEN condeferrable AND contype <> 'x' THEN 'DEFERRABLE' END,
            CASE WHEN condeferred AND contype <> 'x' THEN 'INITIALLY DEFERRED' END
        )
    FROM indexes
    WHERE own_constraint IS NOT NULL
    UNION ALL
    SELECT 2, 5, name, pg_catalog.format('ALTER TABLE mailglass_events_next ADD CONSTRAINT %I %s', name, definition)
    FROM constraints
    WHERE contype = 'f' OR NOT convalidated
    UNION ALL
    SELECT
        2, 6, name,
        pg_catalog.format(
            'CREATE STATISTICS %I%s FROM mailglass_events_next',
            new_name,
            pg_catalog.substr(
                pg_catalog."left"(definition, -pg_catalog.length(' FROM mailglass_events')),
                pg_catalog.length(pg_catalog.format('CREATE STATISTICS %I.%I', schema, name)) + 1
            )
        )
    FROM statistics
    UNION ALL
    SELECT 2, 7, name, pg_catalog.format('ALTER TABLE mailglass_events_next CLUSTER ON %I', new_name)
    FROM indexes
    WHERE indisclustered
    UNION ALL
    SELECT
        2, 8, '',
        'ALTER TABLE mailglass_events_next REPLICA IDENTITY '
            || CASE relreplident
                WHEN 'n' THEN 'NOTHING'
                WHEN 'f' THEN 'FULL'
                ELSE (
                    SELECT pg_catalog.format('USING INDEX %I', new_name) FROM indexes WHERE indisreplident
                )
            END
    FROM ledger
    WHERE relreplident <> 'd'
    UNION ALL
    SELECT 2, 9, '', 'ALTER TABLE mailglass_events_next ENABLE ROW LEVEL SECURITY' FROM ledger WHERE relrowsecurity
    UNION ALL
    SELECT 2, 9, '', 'ALTER TABLE mailglass_events_next FORCE ROW LEVEL SECURITY' FROM ledger WHERE relforcerowsecurity
    UNION ALL
    SELECT
        2, 10, name,
        pg_catalog.concat(
            pg_catalog.format(
                'CREATE POLICY %I ON mailglass_events_next AS %s FOR %s TO %s',
                name,
                CASE WHEN polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
                CASE polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
                (
                    SELECT pg_catalog.string_agg(
                        CASE WHEN role = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(role)::text) END,
                        ', ' ORDER BY position
                    )
                    FROM pg_catalog.unnest(polroles) WITH ORDINALITY AS given (role, position)
                )
            ),
            ' USING (' || pg_catalog.pg_get_expr(polqual, polrelid) || ')',
            ' WITH CHECK (' || pg_catalog.pg_get_expr(polwithcheck, polrelid) || ')'
        )
    FROM policies
    UNION ALL
    SELECT 2, 11, '', pg_catalog.format('COMMENT ON TABLE mailglass_events_next IS %L', description)
    FROM ledger
    JOIN pg_catalog.pg_description
        ON classoid = 'pg_catalog.pg_class'::regclass AND objoid = ledger.oid AND objsubid = 0
    UNION ALL
    SELECT 2, 11, name, pg_catalog.format('COMMENT ON COLUMN mailglass_events_next.%I IS %L', name, description)
    FROM columns
    JOIN pg_catalog.pg_description
        ON classoid = 'pg_catalog.pg_class'::regclass AND objoid = attrelid AND objsubid = attnum
    UNION ALL
    SELECT 2, 12, name, pg_catalog.format('COMMENT ON INDEX %I IS %L', new_name, description)
    FROM indexes
    JOIN pg_catalog.pg_description ON classoid = 'pg_catalog.pg_class'::regclass AND objoid = indexrelid
    UNION ALL
    SELECT
        2, 12, name,
        pg_catalog.format('COMMENT ON CONSTRAINT %I ON mailglass_events_next IS %L', new_name, description)
    FROM (
        SELECT oid, name, name AS new_name FROM constraints
        UNION ALL
        SELECT own_constraint, name, new_name FROM indexes WHERE own_constraint IS NOT NULL
        UNION ALL
        -- LIKE keeps the names of NOT NULL constraints, which PostgreSQL has since version 18.
        SELECT own.oid, conname::text, conname::text
        FROM ledger
        JOIN pg_catalog.pg_constraint AS own ON conrelid = ledger.oid AND contype = 'n'
    ) AS named
    JOIN pg_catalog.pg_description ON classoid = 'pg_catalog.pg_constraint'::regclass AND objoid = named.oid
    UNION ALL
    SELECT 2, 12, name, pg_catalog.format('COMMENT ON STATISTICS %I IS %L', new_name, description)
    FROM statistics
    JOIN pg_catalog.pg_description ON classoid = 'pg_catalog.pg_statistic_ext'::regclass AND objoid = statistics.oid
    UNION ALL
    SELECT 2, 12, name, pg_catalog.format('COMMENT ON POLICY %I ON mailglass_events_next IS %L', name, description)
    FROM policies
    JOIN pg_catalog.pg_description ON classoid = 'pg_catalog.pg_policy'::regclass AND objoid = policies.oid
    UNION ALL
    -- Triggers for INSERT must not fire for copies, so they are created after the last one.
    SELECT
        3, 1, name,
        pg_catalog.concat(
            head,
            pg_catalog.replace(
                pg_catalog.substr(definition, pg_catalog.length(head) + 1), target, ' ON mailglass_events_next '
            )
        )
    FROM triggers
    UNION ALL
    SELECT
        3, 2, name,
        pg_catalog.format(
            'ALTER TABLE mailglass_events_next %s TRIGGER %I',
            CASE tgenabled WHEN 'A' THEN 'ENABLE ALWAYS' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'DISABLE' END,
            name
        )
    FROM triggers
    WHERE tgenabled <> 'O'
    UNION ALL
    SELECT 3, 3, name, pg_catalog.format('COMMENT ON TRIGGER %I ON mailglass_events_next IS %L', name, description)
    FROM triggers
    JOIN pg_catalog.pg_description ON classoid = 'pg_catalog.pg_trigger'::regclass AND objoid = triggers.oid
    UNION ALL
    SELECT 3, 4, '', 'DROP TRIGGER mailglass_cut_note_trigger ON mailglass_events'
    UNION ALL
    SELECT 3, 4, '', 'DROP TRIGGER mailglass_cut_note_trigger ON mailglass_event_links'
    UNION ALL
    -- The old ledger keeps its guard and nothing that serves recording.
    SELECT 3, 5, name, pg_catalog.format('DROP TRIGGER %I ON mailglass_events', name)
    FROM triggers
    JOIN pg_catalog.pg_proc ON pg_proc.oid = tgfoid
    WHERE proname <> 'mailglass_raise_immutability'
    UNION ALL
    SELECT 3, 6, pubname::text, pg_catalog.format('ALTER PUBLICATION %I DROP TABLE mailglass_events', pubname)
    FROM ledger
    JOIN pg_catalog.pg_publication_rel ON prrelid = ledger.oid
    JOIN pg_catalog.pg_publication ON pg_publication.oid = prpubid
    UNION ALL
    SELECT
        3, 7, pg_catalog.pg_get_userbyid(grantee)::text,
        pg_catalog.format(
            'REVOKE INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON mailglass_events FROM %s CASCADE',
            CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(grantee)::text) END
        )
    FROM (
        SELECT grantee FROM granted WHERE column_name IS NULL
        UNION
        SELECT relowner FROM ledger
    ) AS grantees
    UNION ALL
    SELECT 3, 8, '', 'ALTER TABLE mailglass_events RENAME TO ' || pg_catalog.quote_ident($2)
    UNION ALL
    SELECT 3, 9, name, pg_catalog.format('ALTER INDEX %I RENAME TO %I', name, kept_name) FROM indexes
    UNION ALL
    SELECT 3, 9, name, pg_catalog.format('ALTER STATISTICS %I RENAME TO %I', name, kept_name) FROM statistics
    UNION ALL
    SELECT 3, 10, '', 'ALTER TABLE mailglass_events_next RENAME TO mailglass_events'
    UNION ALL
    SELECT 3, 11, name, pg_catalog.format('ALTER INDEX %I RENAME TO %I', new_name, name) FROM indexes
    UNION ALL
    SELECT 3, 11, name, pg_catalog.format('ALTER STATISTICS %I RENAME TO %I', new_name, name) FROM statistics
    UNION ALL
    SELECT 3, 12, '', pg_catalog.format('REVOKE ALL ON mailglass_events FROM %I', owner)
    FROM ledger
    WHERE relacl IS NOT NULL
    UNION ALL
    SELECT
        3, 13, pg_catalog.concat(pg_catalog.pg_get_userbyid(grantee), ' ', column_name, ' ', privilege_type),
        pg_catalog.concat(
            'GRANT ', privilege_type, ' (' || pg_catalog.quote_ident(column_name) || ')', ' ON mailglass_events TO ',
            CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(grantee)::text) END,
            CASE WHEN is_grantable THEN ' WITH GRANT OPTION' END
        )
    FROM (SELECT DISTINCT column_name, grantee, privilege_type, is_grantable FROM granted) AS granted
    UNION ALL
    SELECT
        3, 14, pubname::text,
        pg_catalog.concat(
            pg_catalog.format('ALTER PUBLICATION %I ADD TABLE mailglass_events', pubname),
            (
                SELECT ' (' || pg_catalog.string_agg(pg_catalog.quote_ident(columns.name), ', ' ORDER BY attnum) || ')'
                FROM columns
                WHERE attnum = ANY (prattrs::smallint[])
            ),
            ' WHERE (' || pg_catalog.pg_get_expr(prqual, prrelid) || ')'
        )
    FROM ledger
    JOIN pg_catalog.pg_publication_rel ON prrelid = ledger.oid
    JOIN pg_catalog.pg_publication ON pg_publication.oid = prpubid
    UNION ALL
    SELECT
        3, 15, '',
        pg_catalog.format(
            'COMMENT ON TABLE %I IS %L',
            $2,
            pg_catalog.format(
                'The ledger before mailglass::retention cut it at %s: all events up to the cut, also those that stay. Nobody can change or insert rows.',
                $3
            )
        )
)
SELECT phase, statement
FROM statements
ORDER BY phase, place, name COLLATE "C", statement COLLATE "C";

-- The state of a cut: one row, which every step locks.
CREATE TABLE mailglass_cut (
    only_one           boolean     NOT NULL DEFAULT true PRIMARY KEY CHECK (only_one),
    before             timestamptz NOT NULL,
    keeps_old          boolean     NOT NULL,
    kept_as            text        NOT NULL,
    batch              bigint      NOT NULL,
    phase              text        NOT NULL,
    -- The last id that the phase has read.
    position           uuid,
    -- The columns and statements of structure.sql, and how many of the second phase are executed.
    columns            text[]      NOT NULL,
    creating           text[]      NOT NULL,
    building           text[]      NOT NULL,
    swapping           text[]      NOT NULL,
    built              bigint      NOT NULL DEFAULT 0,
    -- Estimates of PostgreSQL, for the progress.
    deliveries         bigint      NOT NULL,
    events             bigint      NOT NULL,
    deliveries_checked bigint      NOT NULL DEFAULT 0,
    events_checked     bigint      NOT NULL DEFAULT 0,
    deliveries_left    bigint      NOT NULL DEFAULT 0,
    events_left        bigint      NOT NULL DEFAULT 0,
    events_kept        bigint      NOT NULL DEFAULT 0,
    links_left         bigint      NOT NULL DEFAULT 0,
    details_left       bigint      NOT NULL DEFAULT 0,
    began_at           timestamptz NOT NULL DEFAULT now()
);

-- The events that were inserted since the cut began, and those that were linked to a delivery. No key: a trigger must not wait.
CREATE TABLE mailglass_cut_arrivals (event_id uuid NOT NULL, delivery_id uuid);

-- The deliveries that leave.
CREATE TABLE mailglass_cut_deliveries (delivery_id uuid NOT NULL PRIMARY KEY);

-- The events that leave. After the swap, those whose details are still to be deleted.
CREATE TABLE mailglass_cut_events (event_id uuid NOT NULL PRIMARY KEY);

-- SECURITY DEFINER: a role that records has no right to write the tables of the cut.
CREATE FUNCTION mailglass_cut_note_event() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO public.mailglass_cut_arrivals (event_id, delivery_id) VALUES (NEW.id, NEW.delivery_id);
    RETURN NULL;
END;
$$;

CREATE FUNCTION mailglass_cut_note_link() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO public.mailglass_cut_arrivals (event_id, delivery_id) VALUES (NEW.event_id, NEW.delivery_id);
    RETURN NULL;
END;
$$;

CREATE TABLE mailglass_events_next (LIKE mailglass_events INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING STORAGE INCLUDING COMPRESSION) USING heap;

ALTER TABLE mailglass_events_next ADD CONSTRAINT mailglass_events_idempotency_key_is_1_to_512_bytes CHECK (((octet_length(idempotency_key) >= 1) AND (octet_length(idempotency_key) <= 512)));

ALTER TABLE mailglass_events_next ADD CONSTRAINT mailglass_events_metadata_is_object CHECK ((jsonb_typeof(metadata) = 'object'::text));

ALTER TABLE mailglass_events_next ADD CONSTRAINT mailglass_events_normalized_payload_is_object CHECK ((jsonb_typeof(normalized_payload) = 'object'::text));

ALTER TABLE mailglass_events_next ADD CONSTRAINT mailglass_events_occurred_at_is_in_years_1_to_9999 CHECK (((EXTRACT(epoch FROM occurred_at) >= ('-62135596800'::bigint)::numeric) AND (EXTRACT(epoch FROM occurred_at) < ('253402300800'::bigint)::numeric)));

ALTER TABLE mailglass_events_next ADD CONSTRAINT mailglass_events_tenant_id_is_not_empty CHECK ((tenant_id <> ''::text));

-- Gives the owner of the ledger everything that a cut creates, so that each of its members can resume the cut, and revokes what
-- default privileges give to others: row-level security does not protect these tables.
DO $do$
DECLARE
    ledger_owner text := (
        SELECT pg_catalog.pg_get_userbyid(relowner)::text
        FROM pg_catalog.pg_class
        WHERE oid = pg_catalog.to_regclass('mailglass_events')
    );
    made text;
    grantee oid;
BEGIN
    FOREACH made IN ARRAY ARRAY[
        'mailglass_cut', 'mailglass_cut_arrivals', 'mailglass_cut_deliveries', 'mailglass_cut_events', 'mailglass_events_next'
    ] LOOP
        EXECUTE pg_catalog.format('ALTER TABLE %I OWNER TO %I', made, ledger_owner);
        FOR grantee IN
            SELECT DISTINCT acl.grantee
            FROM pg_catalog.pg_class
            CROSS JOIN LATERAL pg_catalog.aclexplode(relacl) AS acl
            WHERE pg_class.oid = pg_catalog.to_regclass(made) AND acl.grantee <> relowner
        LOOP
            EXECUTE pg_catalog.format(
                'REVOKE ALL ON %I FROM %s',
                made,
                CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(grantee)::text) END
            );
        END LOOP;
    END LOOP;
    FOREACH made IN ARRAY ARRAY['mailglass_cut_note_event', 'mailglass_cut_note_link'] LOOP
        EXECUTE pg_catalog.format('ALTER FUNCTION %I() OWNER TO %I', made, ledger_owner);
        EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %I() FROM PUBLIC', made);
    END LOOP;
END
$do$;

-- Writes the state of a new cut.
INSERT INTO mailglass_cut (
    before, keeps_old, kept_as, batch, phase, columns, creating, building, swapping, deliveries, events
)
SELECT
    $1,
    $2,
    $3,
    $4,
    'deliveries',
    $5,
    $6,
    $7,
    $8,
    greatest(deliveries.reltuples, 0)::bigint,
    greatest(events.reltuples, 0)::bigint
FROM pg_catalog.pg_class AS deliveries
CROSS JOIN pg_catalog.pg_class AS events
WHERE deliveries.oid = pg_catalog.to_regclass('mailglass_deliveries')
  AND events.oid = pg_catalog.to_regclass('mailglass_events');

-- Locks tables, or reports that they are in use. The block is a savepoint: if it fails, it releases every lock.
DO $do$
DECLARE
    callers_timeout text := pg_catalog.current_setting('lock_timeout');
BEGIN
    PERFORM pg_catalog.set_config('lock_timeout', least(100, greatest(setting::bigint / 4, 1))::text, true)
    FROM pg_catalog.pg_settings
    WHERE name = 'deadlock_timeout';
    LOCK TABLE mailglass_events, mailglass_event_links IN SHARE ROW EXCLUSIVE MODE;
    PERFORM pg_catalog.set_config('lock_timeout', callers_timeout, true);
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    RAISE EXCEPTION USING
        ERRCODE = 'lock_not_available',
        MESSAGE = 'the tables are in use',
        DETAIL = 'mailglass:in_use';
END
$do$;

-- FOR EACH ROW and, by the next statement, ENABLE ALWAYS: a subscription fires no statement triggers, and no others.
CREATE TRIGGER mailglass_cut_note_trigger
    AFTER INSERT ON mailglass_events
    FOR EACH ROW EXECUTE FUNCTION mailglass_cut_note_event();

ALTER TABLE mailglass_events ENABLE ALWAYS TRIGGER mailglass_cut_note_trigger;

-- A link that is completed makes its event a fact of a delivery.
CREATE TRIGGER mailglass_cut_note_trigger
    AFTER INSERT OR UPDATE ON mailglass_event_links
    FOR EACH ROW
    WHEN (NEW.delivery_id IS NOT NULL)
    EXECUTE FUNCTION mailglass_cut_note_link();

ALTER TABLE mailglass_event_links ENABLE ALWAYS TRIGGER mailglass_cut_note_trigger;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

COMMIT;
