-- Returns the first of the names with which the name of no table or index of the schema begins.
SELECT name
FROM pg_catalog.unnest(:names) WITH ORDINALITY AS candidate (name, position)
WHERE NOT EXISTS (
    SELECT
    FROM pg_catalog.pg_class
    JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname::text = pg_catalog.current_schema()
      AND pg_catalog.starts_with(relname::text, name)
)
ORDER BY position
LIMIT 1
