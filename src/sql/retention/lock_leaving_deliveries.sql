-- Locks the deliveries that leave, in the order in which `record` locks. It waits for calls that record an event of one, each for as long as
-- lock_tables.sql waits for a table, because other calls wait behind it. The block is a savepoint: if it fails, it releases every lock.
DO $do$
DECLARE
    callers_timeout text := pg_catalog.current_setting('lock_timeout');
BEGIN
    PERFORM pg_catalog.set_config('lock_timeout', least(100, greatest(setting::bigint / 4, 1))::text, true)
    FROM pg_catalog.pg_settings
    WHERE name = 'deadlock_timeout';
    PERFORM delivery.id
    FROM mailglass_deliveries AS delivery
    WHERE delivery.id IN (SELECT delivery_id FROM mailglass_cut_deliveries)
    ORDER BY delivery.id
    FOR UPDATE;
    PERFORM pg_catalog.set_config('lock_timeout', callers_timeout, true);
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    RAISE EXCEPTION USING
        ERRCODE = 'lock_not_available',
        MESSAGE = 'the deliveries are in use',
        DETAIL = 'mailglass:in_use';
END
$do$
