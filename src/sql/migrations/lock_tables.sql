-- Locks tables, or reports that they are in use. The block is a savepoint: if it fails, it releases every lock.
DO $do$
DECLARE
    callers_timeout text := pg_catalog.current_setting('lock_timeout');
BEGIN
    PERFORM pg_catalog.set_config('lock_timeout', least(100, greatest(setting::bigint / 4, 1))::text, true)
    FROM pg_catalog.pg_settings
    WHERE name = 'deadlock_timeout';
    LOCK TABLE :tables IN :mode MODE;
    PERFORM pg_catalog.set_config('lock_timeout', callers_timeout, true);
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    RAISE EXCEPTION USING
        ERRCODE = 'lock_not_available',
        MESSAGE = 'the tables are in use',
        DETAIL = 'mailglass:in_use';
END
$do$
