-- Settings for one step. search_path: names are those of the schema of the ledger, and PostgreSQL prints the same definitions in
-- every session. row_security: a statement from which a policy hides rows fails. statement_timeout: a step is bounded by its batch,
-- except the one that builds an index.
SELECT
    pg_catalog.set_config('search_path', pg_catalog.quote_ident(:schema) || ', pg_temp', true),
    pg_catalog.set_config('row_security', 'off', true),
    pg_catalog.set_config('statement_timeout', '0', true),
    pg_catalog.set_config('quote_all_identifiers', 'off', true),
    pg_catalog.set_config('standard_conforming_strings', 'on', true)
