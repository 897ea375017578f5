-- Returns the prepared transactions of this database: those with one of these ids, or all. A transaction that was open has no
-- virtual id any more after PREPARE TRANSACTION.
SELECT prepared.transaction::text AS id, prepared.gid
FROM pg_catalog.pg_prepared_xacts AS prepared
WHERE prepared.database OPERATOR(pg_catalog.=) pg_catalog.current_database()
  AND (:ids IS NULL OR prepared.transaction::text = ANY (:ids))
ORDER BY prepared.gid
