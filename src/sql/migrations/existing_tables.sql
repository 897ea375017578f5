-- Returns those of the names for which search_path finds a table.
SELECT name
FROM (SELECT pg_catalog.unnest(:names) AS name) AS wanted
WHERE pg_catalog.to_regclass(name) IS NOT NULL
