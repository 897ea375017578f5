-- Returns those of the names for which search_path finds a table, and which table it is.
SELECT name, oid
FROM (SELECT name, pg_catalog.to_regclass(name)::oid AS oid FROM pg_catalog.unnest(:names) AS name) AS wanted
WHERE oid IS NOT NULL
