-- Returns the processes whose transaction is one of these and has not ended.
SELECT held.pid
FROM pg_catalog.pg_locks AS held
WHERE held.locktype = 'virtualxid'
  AND held.mode = 'ExclusiveLock'
  AND held.virtualxid = ANY (:open)
  AND held.pid IS NOT NULL
ORDER BY held.pid
