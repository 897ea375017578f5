-- Whether the WAL is on disk up to there, except for the last two pages: the WAL writer leaves a page that is not full.
SELECT pg_catalog.pg_wal_lsn_diff(:position::pg_lsn, pg_catalog.pg_current_wal_flush_lsn()) < 16384 AS is_flushed
