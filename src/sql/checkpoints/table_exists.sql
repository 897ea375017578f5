-- Returns whether `search_path` finds a table of this name.
SELECT pg_catalog.to_regclass(pg_catalog.quote_ident(:name)) IS NOT NULL AS exists
