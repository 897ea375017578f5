-- Returns the schema in which search_path finds a table.
SELECT namespace.nspname::text AS name
FROM pg_catalog.pg_class AS class
JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
WHERE class.oid = pg_catalog.to_regclass($1);
