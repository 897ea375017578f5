-- Applies settings until the end of the transaction. $1: the schemas of search_path other than pg_catalog, which is searched
-- first because search_path does not name it.
SELECT
    pg_catalog.set_config(
        'search_path',
        pg_catalog.array_to_string(
            ARRAY(SELECT pg_catalog.quote_ident(name) FROM pg_catalog.unnest($1) AS name),
            ', '
        ),
        true
    ),
    pg_catalog.set_config('quote_all_identifiers', 'off', true),
    pg_catalog.set_config('standard_conforming_strings', 'on', true)
