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

-- Locks the state of the cut, so that two processes take turns.
SELECT only_one FROM mailglass_cut FOR UPDATE;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

-- Locks tables, or reports that they are in use. The block is a savepoint: if it fails, it releases every lock.
DO $do$
DECLARE
    callers_timeout text := pg_catalog.current_setting('lock_timeout');
BEGIN
    PERFORM pg_catalog.set_config('lock_timeout', least(100, greatest(setting::bigint / 4, 1))::text, true)
    FROM pg_catalog.pg_settings
    WHERE name = 'deadlock_timeout';
    LOCK TABLE mailglass_events, mailglass_event_links IN ACCESS EXCLUSIVE MODE;
    PERFORM pg_catalog.set_config('lock_timeout', callers_timeout, true);
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    RAISE EXCEPTION USING
        ERRCODE = 'lock_not_available',
        MESSAGE = 'the tables are in use',
        DETAIL = 'mailglass:in_use';
END
$do$;

DROP TRIGGER mailglass_cut_note_trigger ON mailglass_events;

DROP TRIGGER mailglass_cut_note_trigger ON mailglass_event_links;

DROP TABLE mailglass_events_next;

DROP TABLE mailglass_cut, mailglass_cut_arrivals, mailglass_cut_deliveries, mailglass_cut_events;

DROP FUNCTION mailglass_cut_note_event(), mailglass_cut_note_link();

COMMIT;
