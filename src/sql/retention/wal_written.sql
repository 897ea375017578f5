-- How far the WAL is written by now.
SELECT pg_catalog.pg_current_wal_insert_lsn()::text AS position
