-- Whether Citus distributes the ledger. Sent only if the database has Citus.
SELECT EXISTS (
    SELECT FROM pg_catalog.pg_dist_partition WHERE logicalrelid = :ledger::oid::regclass
) AS is_distributed
