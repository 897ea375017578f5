-- Reads `chosen`. Makes `open`: the transactions that may still append events with an `inserted_at` before the end of the range.
--
-- A transaction holds the lock on its virtual id until it has ended, whether or not it writes. Processes without a user, such
-- as autovacuum, append nothing. The start of another role's transaction is hidden from roles without pg_read_all_stats; then
-- the transaction counts as old.
open AS (
    SELECT held.virtualxid
    FROM pg_catalog.pg_locks AS held
    LEFT JOIN pg_catalog.pg_stat_activity AS activity ON activity.pid = held.pid
    WHERE held.locktype = 'virtualxid'
      AND held.mode = 'ExclusiveLock'
      AND held.pid <> pg_catalog.pg_backend_pid()
      AND (
          activity.pid IS NULL
          OR (
              activity.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
              AND activity.usesysid IS NOT NULL
              AND (activity.xact_start OPERATOR(pg_catalog.>=) (SELECT until FROM chosen)) IS NOT TRUE
          )
      )
)
