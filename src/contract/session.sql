-- Where this connection's search_path finds what we look for, NULL for what it doesn't find. It runs under the session's own
-- search_path, which may put anything before pg_catalog: so it uses no operator and no name of a type, and names the schema
-- of each function. $1 tables, $2 functions without arguments, $3 types, each by name.
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
    pg_catalog.current_schemas(true) AS schemas
