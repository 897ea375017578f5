-- The objects of the tables in $1 and the functions in $2, one row per object, with the definition that PostgreSQL prints.
-- settings.sql has put pg_catalog first in search_path, followed by the schemas of the crate's objects, whose names are
-- therefore printed without a schema. Operators on two values of one type resolve to pg_catalog then. Functions with
-- polymorphic arguments can still resolve to other schemas, so every function is qualified.
WITH tables AS (
    SELECT * FROM pg_class WHERE oid = ANY ($1)
),
-- Expressions that cannot fail: columns, constants, NULL tests, the sort operators of pg_catalog, and functions of
-- pg_catalog without arguments, such as now(). PostgreSQL stores an expression as a tree whose nodes begin with their
-- name: {OPEXPR :opno 98 …}. Objects of pg_catalog have OIDs below 16384.
expressions AS (
    SELECT
        stored.*,
        NOT EXISTS (
            SELECT
            FROM pg_catalog.regexp_matches(tree, '\{([A-Z]+)', 'g') AS node (name)
            WHERE name[1] NOT IN (
                'VAR', 'CONST', 'NULLTEST', 'BOOLEANTEST', 'BOOLEXPR', 'RELABELTYPE', 'OPEXPR', 'SCALARARRAYOPEXPR',
                'FUNCEXPR', 'SQLVALUEFUNCTION', 'NEXTVALUEEXPR', 'ARRAY', 'ARRAYEXPR'
            )
        ) AND NOT EXISTS (
            SELECT
            FROM pg_catalog.regexp_matches(tree, ':opno ([0-9]+)', 'g') AS node (operator)
            WHERE NOT EXISTS (
                SELECT
                FROM pg_amop
                JOIN pg_am ON pg_am.oid = amopmethod
                WHERE amname = 'btree' AND amopopr = operator[1]::oid AND amopopr < '16384'::oid
            )
            -- <> is in no operator family.
            AND NOT EXISTS (
                SELECT
                FROM pg_operator
                WHERE pg_operator.oid = operator[1]::oid AND oprname = '<>' AND pg_operator.oid < '16384'::oid
            )
        ) AND NOT EXISTS (
            SELECT
            FROM pg_catalog.regexp_matches(tree, ':funcid ([0-9]+)', 'g') AS node (function)
            JOIN pg_proc ON pg_proc.oid = function[1]::oid
            WHERE pronargs > 0 OR pg_proc.oid >= '16384'::oid
        ) AS is_safe
    FROM (
        SELECT adrelid AS relation, adnum AS number, adbin::text AS tree FROM pg_attrdef WHERE adrelid = ANY ($1)
        UNION ALL
        SELECT indexrelid, 0::smallint, pg_catalog.concat(indexprs, indpred) FROM pg_index WHERE indrelid = ANY ($1)
    ) AS stored
)
SELECT
    'table' AS kind,
    relname::text AS object,
    pg_catalog.concat_ws(
        ' ',
        CASE relpersistence WHEN 'u' THEN 'unlogged' WHEN 't' THEN 'temporary' END,
        CASE relkind
            WHEN 'r' THEN 'table'
            WHEN 'p' THEN 'partitioned table'
            WHEN 'v' THEN 'view'
            WHEN 'f' THEN 'foreign table'
            ELSE 'relation of kind ' || relkind::text
        END,
        (SELECT 'USING ' || amname::text FROM pg_am WHERE pg_am.oid = relam AND amname <> 'heap'),
        -- policies.sql has the policies. Forced ones would hide rows from the owner, and so from migrations.
        CASE WHEN relrowsecurity AND relforcerowsecurity THEN 'with forced row level security' END,
        -- PostgreSQL rejects an UPDATE that it cannot publish.
        CASE WHEN relreplident = 'n' AND EXISTS (
            SELECT
            FROM pg_publication_tables
            JOIN pg_namespace ON nspname = schemaname
            WHERE pg_namespace.oid = relnamespace AND tablename = relname
        ) THEN 'published without REPLICA IDENTITY' END
    ) AS definition,
    false AS is_harmless
FROM tables
UNION ALL
SELECT
    'column',
    relname::text || '.' || attname::text,
    pg_catalog.concat_ws(
        ' ',
        -- The crate's types are printed without their schema.
        CASE WHEN typnamespace = 'pg_catalog'::regnamespace::oid THEN pg_catalog.format_type(atttypid, atttypmod) ELSE typname::text END,
        CASE WHEN attcollation <> typcollation THEN 'COLLATE ' || attcollation::regcollation::text END,
        CASE WHEN attnotnull THEN 'NOT NULL' END,
        -- Since PostgreSQL 18.
        CASE WHEN EXISTS (
            SELECT FROM pg_constraint WHERE conrelid = attrelid AND contype = 'n' AND attnum = ANY (conkey) AND NOT convalidated
        ) THEN 'NOT VALID' END,
        CASE WHEN attidentity <> '' THEN 'IDENTITY' END,
        CASE WHEN attgenerated <> '' THEN 'GENERATED' WHEN adbin IS NOT NULL THEN 'DEFAULT' END,
        pg_catalog.pg_get_expr(adbin, adrelid)
    ),
    -- An INSERT that does not name the column succeeds: the column is nullable or has a default that cannot fail. The
    -- constraints of a domain could fail. The names are those that our statements use beside `SELECT *`.
    (NOT attnotnull OR adbin IS NOT NULL OR attidentity <> '')
        AND coalesce(is_safe, true)
        AND typtype <> 'd'
        AND attname::text NOT IN ('timeline_of', 'candidates', 'candidate_id', 'found_delivery_id', 'ambiguous')
FROM tables
JOIN pg_attribute ON attrelid = tables.oid AND attnum > 0 AND NOT attisdropped
JOIN pg_type ON pg_type.oid = atttypid
LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
LEFT JOIN expressions ON relation = attrelid AND number = attnum
UNION ALL
-- NOT NULL constraints, which PostgreSQL 18 also lists, belong to their columns.
SELECT
    'constraint',
    relname::text || '.' || conname::text,
    pg_catalog.pg_get_constraintdef(pg_constraint.oid, true),
    false
FROM tables
JOIN pg_constraint ON conrelid = tables.oid AND contype IN ('c', 'f', 'p', 'u', 'x')
UNION ALL
-- The definition without CREATE INDEX, name, table and storage parameters. An index of a constraint belongs to the constraint.
SELECT
    'index',
    tables.relname::text || '.' || index.relname::text,
    pg_catalog.concat_ws(
        ' ',
        CASE WHEN indisunique THEN 'UNIQUE' END,
        pg_catalog.regexp_replace(
            pg_catalog.substring(pg_catalog.pg_get_indexdef(indexrelid), ' USING (.*)$'),
            CASE WHEN index.reloptions IS NULL THEN '^$' ELSE ' WITH \([^)]*\)' END,
            ''
        ),
        CASE WHEN NOT indisvalid THEN 'INVALID' END
    ),
    -- An index on plain columns with a safe predicate cannot make an INSERT fail. An index on an expression can.
    NOT indisunique AND indexprs IS NULL AND is_safe
FROM tables
JOIN pg_index ON indrelid = tables.oid
JOIN pg_class AS index ON index.oid = indexrelid
JOIN expressions ON relation = indexrelid
WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x'))
UNION ALL
SELECT
    'trigger',
    relname::text || '.' || tgname::text,
    pg_catalog.concat_ws(
        ' ',
        pg_catalog.substring(
            pg_catalog.pg_get_triggerdef(pg_trigger.oid, true),
            pg_catalog.length('CREATE TRIGGER ' || pg_catalog.quote_ident(tgname::text)) + 2
        ),
        CASE tgenabled WHEN 'A' THEN 'ENABLE ALWAYS' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'D' THEN 'DISABLED' END
    ),
    -- Every trigger that fires can raise an error, even AFTER triggers.
    tgenabled = 'D'
FROM tables
JOIN pg_trigger ON tgrelid = tables.oid AND NOT tgisinternal
UNION ALL
-- A rule can silently replace a statement before any trigger fires.
SELECT
    'rule',
    relname::text || '.' || rulename::text,
    pg_catalog.pg_get_ruledef(pg_rewrite.oid, true),
    ev_enabled = 'D'
FROM tables
JOIN pg_rewrite ON ev_class = tables.oid AND rulename <> '_RETURN'
UNION ALL
SELECT
    'function',
    proname::text,
    pg_catalog.concat_ws(
        ' ',
        lanname,
        CASE WHEN prosecdef THEN 'SECURITY DEFINER' END,
        -- Stored with quotes if quote_all_identifiers was on.
        pg_catalog.replace(pg_catalog.array_to_string(proconfig, ', '), '"', ''),
        'AS' || prosrc
    ),
    false
FROM pg_proc
JOIN pg_language ON pg_language.oid = prolang
WHERE pg_proc.oid = ANY ($2)
ORDER BY kind, object
