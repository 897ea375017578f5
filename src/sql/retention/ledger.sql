-- Returns what decides whether a cut can begin: the ledger that search_path finds, its schema, the tables that this role
-- does not own, and those whose rows row-level security hides from it. No row if there is no ledger.
-- :tables: the tables whose rows leave, with the ledger.
SELECT
    ledger.oid AS ledger,
    namespace.nspname::text AS schema,
    pg_catalog.quote_ident(namespace.nspname) AS quoted_schema,
    current_user::text AS role,
    ARRAY(
        SELECT class.relname::text
        FROM pg_catalog.pg_class AS class
        WHERE class.oid = ANY (ours.oids)
          AND NOT pg_catalog.pg_has_role(class.relowner, 'USAGE')
        ORDER BY class.relname
    ) AS owned_by_others,
    pg_catalog.has_schema_privilege(namespace.oid, 'CREATE') AS may_create,
    ARRAY(
        SELECT class.relname::text
        FROM pg_catalog.pg_class AS class
        WHERE class.oid = ANY (ours.oids)
          AND pg_catalog.row_security_active(class.oid)
        ORDER BY class.relname
    ) AS hidden,
    pg_catalog.to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL AS has_citus,
    pg_catalog.to_regclass(pg_catalog.quote_ident(namespace.nspname) || '.mailglass_cut') IS NOT NULL AS is_running,
    pg_catalog.now() AS now
FROM pg_catalog.pg_class AS ledger
JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = ledger.relnamespace
CROSS JOIN (
    SELECT ARRAY(SELECT pg_catalog.to_regclass(name)::oid FROM pg_catalog.unnest(:tables) AS name) AS oids
) AS ours
WHERE ledger.oid = pg_catalog.to_regclass('mailglass_events')
