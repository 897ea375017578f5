-- The session's lock_timeout in milliseconds; 0 means none.
SELECT setting::bigint AS milliseconds
FROM pg_catalog.pg_settings
WHERE name = 'lock_timeout'
