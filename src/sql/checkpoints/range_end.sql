-- Reads `chosen` and `open`. Returns the end of the range, what prevents a final checkpoint, and the transactions to wait for.
SELECT
    chosen.until,
    chosen.until <= pg_catalog.now() AS is_past,
    pg_catalog.pg_is_in_recovery() AS is_replica,
    pg_catalog.current_setting('transaction_isolation') = 'read committed' AS sees_later_commits,
    ARRAY(SELECT virtualxid FROM open) AS open
FROM chosen
