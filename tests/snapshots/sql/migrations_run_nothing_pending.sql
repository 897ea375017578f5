SELECT pg_catalog.to_regclass(pg_catalog.quote_ident(pg_catalog.current_schema()) || '.__diesel_schema_migrations') IS NOT NULL AS is_there, coalesce(pg_catalog.has_table_privilege(pg_catalog.to_regclass(pg_catalog.quote_ident(pg_catalog.current_schema()) || '.__diesel_schema_migrations'), 'SELECT'), false) AS is_readable,
                pg_catalog.quote_ident(current_user) AS role, coalesce(pg_catalog.to_regclass(pg_catalog.quote_ident(pg_catalog.current_schema()) || '.__diesel_schema_migrations')::text, '') AS "table";

SELECT version::text
FROM __diesel_schema_migrations;
