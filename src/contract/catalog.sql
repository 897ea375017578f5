-- What the contract's tables and functions look like to this connection, one row an object: as `search_path` finds them,
-- so that it doesn't matter which schema holds them. Each definition is Postgres' own words.
WITH tables AS (
    SELECT class.*
    FROM unnest($1::text[]) AS name
    JOIN pg_class AS class ON class.oid = to_regclass(quote_ident(name))
)
SELECT
    'table' AS kind,
    relname::text AS object,
    concat_ws(
        ' ',
        CASE relpersistence WHEN 'u' THEN 'unlogged' WHEN 't' THEN 'temporary' END,
        CASE relkind
            WHEN 'r' THEN 'table'
            WHEN 'p' THEN 'partitioned table'
            WHEN 'v' THEN 'view'
            WHEN 'f' THEN 'foreign table'
            ELSE 'relation of kind ' || relkind::text
        END,
        CASE WHEN relrowsecurity THEN 'with row level security' END
    ) AS definition,
    false AS is_harmless
FROM tables
UNION ALL
SELECT
    'column',
    relname || '.' || attname,
    concat_ws(
        ' ',
        -- A type of ours is named without its schema, whichever that is.
        CASE WHEN typnamespace = 'pg_catalog'::regnamespace THEN format_type(atttypid, atttypmod) ELSE typname END,
        CASE WHEN attnotnull THEN 'NOT NULL' END,
        CASE WHEN attidentity <> '' THEN 'IDENTITY' END,
        CASE WHEN attgenerated <> '' THEN 'GENERATED' WHEN adbin IS NOT NULL THEN 'DEFAULT' END,
        pg_get_expr(adbin, adrelid)
    ),
    -- An insert that doesn't know the column goes through.
    NOT attnotnull OR adbin IS NOT NULL OR attidentity <> ''
FROM tables
JOIN pg_attribute ON attrelid = tables.oid AND attnum > 0 AND NOT attisdropped
JOIN pg_type ON pg_type.oid = atttypid
LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
UNION ALL
-- NOT NULL constraints, which PostgreSQL 18 lists, too, belong to their columns.
SELECT 'constraint', relname || '.' || conname, pg_get_constraintdef(pg_constraint.oid, true), false
FROM tables
JOIN pg_constraint ON conrelid = tables.oid AND contype IN ('c', 'f', 'p', 'u', 'x')
UNION ALL
-- Without CREATE INDEX, its name and its table. One that a constraint keeps belongs to that.
SELECT
    'index',
    tables.relname || '.' || index.relname,
    concat_ws(
        ' ',
        CASE WHEN indisunique THEN 'UNIQUE' END,
        substring(pg_get_indexdef(indexrelid) FROM ' USING (.*)$'),
        CASE WHEN NOT indisvalid THEN 'INVALID' END
    ),
    NOT indisunique
FROM tables
JOIN pg_index ON indrelid = tables.oid
JOIN pg_class AS index ON index.oid = indexrelid
WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x'))
UNION ALL
SELECT
    'trigger',
    relname || '.' || tgname,
    concat_ws(
        ' ',
        substring(pg_get_triggerdef(pg_trigger.oid, true) FROM length('CREATE TRIGGER ' || quote_ident(tgname)) + 2),
        CASE tgenabled WHEN 'A' THEN 'ENABLE ALWAYS' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'D' THEN 'DISABLED' END
    ),
    -- One that comes after the fact changes no row and drops none (tgtype: BEFORE is 2, INSTEAD OF is 64).
    tgtype::integer & (2 | 64) = 0
FROM tables
JOIN pg_trigger ON tgrelid = tables.oid AND NOT tgisinternal
UNION ALL
-- A rule can make a statement do nothing, without a word and before any trigger.
SELECT 'rule', relname || '.' || rulename, pg_get_ruledef(pg_rewrite.oid, true), false
FROM tables
JOIN pg_rewrite ON ev_class = tables.oid AND rulename <> '_RETURN'
UNION ALL
SELECT
    'function',
    proname::text,
    concat_ws(' ', lanname, CASE WHEN prosecdef THEN 'SECURITY DEFINER' END, array_to_string(proconfig, ', '), 'AS' || prosrc),
    false
FROM unnest($2::text[]) AS name
JOIN pg_proc ON pg_proc.oid = to_regprocedure(quote_ident(name) || '()')
JOIN pg_language ON pg_language.oid = prolang
ORDER BY kind, object
