-- Makes the preview find its own temporary table first, also while a cut is running.
SELECT
    pg_catalog.set_config('search_path', 'pg_temp, ' || pg_catalog.quote_ident(:schema), true),
    pg_catalog.set_config('row_security', 'off', true)
