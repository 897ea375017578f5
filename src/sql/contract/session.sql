-- Resolves names with the session's search_path; NULL for an object that does not exist. Because search_path may name other
-- schemas before pg_catalog, the statement uses no operators and no names of types, and qualifies every function.
-- $1: tables, $2: functions without arguments, $3: types.
SELECT
    ARRAY(
        SELECT pg_catalog.to_regclass(pg_catalog.quote_ident(name)) FROM pg_catalog.unnest($1) AS name
    ) AS tables,
    ARRAY(
        SELECT pg_catalog.to_regprocedure(pg_catalog.concat(pg_catalog.quote_ident(name), '()'))
        FROM pg_catalog.unnest($2) AS name
    ) AS functions,
    ARRAY(
        SELECT pg_catalog.to_regtype(pg_catalog.quote_ident(name)) FROM pg_catalog.unnest($3) AS name
    ) AS types,
    pg_catalog.current_schemas(true) AS schemas,
    pg_catalog.to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL AS has_citus
