BEGIN;

-- Resolves names with the session's search_path; NULL for an object that does not exist. Because search_path may name other
-- schemas before pg_catalog, the statement uses no operators and no names of types, and qualifies every function.
-- $1: tables, $2: functions without arguments, $3: types.
SELECT
    ARRAY(
        SELECT pg_catalog.to_regclass(pg_catalog.quote_ident(name)) FROM pg_catalog.unnest($1) AS name
    ) AS tables,
    ARRAY(
        SELECT pg_catalog.to_regprocedure(pg_catalog.concat(pg_catalog.quote_ident(name), '()'))
        FROM pg_catalog.unnest($2) AS name
    ) AS functions,
    ARRAY(
        SELECT pg_catalog.to_regtype(pg_catalog.quote_ident(name)) FROM pg_catalog.unnest($3) AS name
    ) AS types,
    pg_catalog.current_schemas(true) AS schemas,
    pg_catalog.to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL AS has_citus;

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
    pg_catalog.set_config('standard_conforming_strings', 'on', true);

-- The labels of every enum type in $1, in order; NULL for NULL and for a type that is not an enum.
SELECT (
    SELECT pg_catalog.array_agg(enumlabel::text ORDER BY enumsortorder)
    FROM pg_enum
    WHERE enumtypid = type
) AS labels
FROM pg_catalog.unnest($1) WITH ORDINALITY AS set (type, position)
ORDER BY position;

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
ORDER BY kind, object;

-- Objects of others that change the effects of the crate's statements, one row per object. A healthy database has none. The
-- settings are those of catalog.sql.
-- $1: the crate's tables, $2: its enum types, $3: its trigger functions, $4: the schemas of the session's search_path in
-- order, with implicit ones, $5: the functions that the statements call, $6: their operators, $7: the types that they name,
-- $8: the functions that are called without a schema.
WITH RECURSIVE tables AS (
    SELECT oid AS relation, relname::text AS name, relispartition, relpartbound FROM pg_class WHERE oid = ANY ($1)
),
descendants AS (
    SELECT relation, name, inhrelid AS child, inhparent AS parent FROM tables JOIN pg_inherits ON inhparent = relation
    UNION
    SELECT relation, name, inhrelid, inhparent FROM descendants JOIN pg_inherits ON inhparent = child
),
-- The crate's types, their arrays, and domains over these.
types AS (
    SELECT oid FROM pg_type WHERE oid = ANY ($2)
    UNION
    SELECT pg_type.oid FROM types JOIN pg_type ON typelem = types.oid OR typbasetype = types.oid
),
-- The argument types of the statements' operators and functions, polymorphic types, and domains over these. Types of the
-- application and of extensions are excluded, because they may have any operator.
operands AS (
    SELECT pg_type.oid
    FROM pg_type
    WHERE pg_type.oid = ANY ($2)
       OR pg_type.oid = ANY (ARRAY[
           'integer'::regtype::oid, 'bigint'::regtype::oid, 'double precision'::regtype::oid, 'interval'::regtype::oid
       ])
       OR typtype = 'p'
       OR (typnamespace = 'pg_catalog'::regnamespace::oid AND pg_type.oid IN (
           SELECT atttypid FROM pg_attribute WHERE attrelid = ANY ($1) AND attnum > 0
       ))
    UNION
    SELECT pg_type.oid FROM operands JOIN pg_type ON typbasetype = operands.oid
),
arguments AS (
    SELECT oid FROM operands
    UNION
    SELECT typarray FROM operands JOIN pg_type ON pg_type.oid = operands.oid
),
path AS (
    SELECT pg_namespace.oid, nspname::text AS name, position
    FROM pg_catalog.unnest($4) WITH ORDINALITY AS path (name, position)
    JOIN pg_namespace ON nspname::text = path.name
),
-- The schemas other than pg_catalog, and whether search_path names them before it.
reachable AS (
    SELECT path.oid, path.name, path.position < catalog.position AS is_ahead
    FROM path
    JOIN path AS catalog ON catalog.name = 'pg_catalog'
    WHERE path.name <> 'pg_catalog'
)
-- Statements on a parent also read and change the rows of its children, which have their own keys, indexes and triggers.
SELECT
    'inheritance' AS kind,
    name || '.' || child::regclass::text AS object,
    pg_catalog.concat_ws(
        ', ',
        child::regclass::text || CASE WHEN relispartition THEN ' is a partition of ' ELSE ' inherits from ' END
            || parent::regclass::text,
        (
            SELECT 'without ' || pg_catalog.string_agg(guard.tgname::text, ', ' ORDER BY guard.tgname)
            FROM pg_trigger AS guard
            WHERE guard.tgrelid = relation
              AND guard.tgfoid = ANY ($3)
              AND NOT EXISTS (
                  SELECT
                  FROM pg_trigger AS own
                  WHERE own.tgrelid = child
                    AND own.tgfoid = guard.tgfoid
                    AND own.tgtype = guard.tgtype
                    AND own.tgenabled = 'A'
              )
        )
    ) AS definition,
    false AS is_harmless
FROM descendants
JOIN pg_class ON pg_class.oid = child
UNION ALL
SELECT
    'inheritance',
    name || '.' || inhparent::regclass::text,
    pg_catalog.concat_ws(
        ' ',
        name,
        CASE WHEN relispartition THEN 'is a partition of' ELSE 'inherits from' END,
        inhparent::regclass::text,
        pg_catalog.pg_get_expr(relpartbound, relation)
    ),
    false
FROM tables
JOIN pg_inherits ON inhrelid = relation
UNION ALL
-- A cast from one of the crate's types competes with the built-in casts of enums. The statements have no values to which a
-- cast from a type of the application applies.
SELECT
    'cast',
    pg_catalog.format_type(castsource, NULL) || ' AS ' || pg_catalog.format_type(casttarget, NULL),
    pg_catalog.concat_ws(
        ' ',
        CASE castmethod
            WHEN 'f' THEN 'WITH FUNCTION ' || castfunc::regprocedure::text
            WHEN 'i' THEN 'WITH INOUT'
            ELSE 'WITHOUT FUNCTION'
        END,
        CASE castcontext WHEN 'i' THEN 'AS IMPLICIT' WHEN 'a' THEN 'AS ASSIGNMENT' END
    ),
    castsource NOT IN (SELECT oid FROM types) AND typnamespace <> 'pg_catalog'::regnamespace::oid
FROM pg_cast
JOIN pg_type ON pg_type.oid = castsource
WHERE castsource IN (SELECT oid FROM types) OR casttarget IN (SELECT oid FROM types)
UNION ALL
-- PostgreSQL prefers an operator with exactly these types to one with polymorphic types, and of several such operators the
-- first in search_path. This also applies to the operators behind IN and IS DISTINCT FROM.
SELECT
    'operator',
    pg_catalog.format(
        '%s.%s(%s, %s)', name, oprname, pg_catalog.format_type(oprleft, NULL), pg_catalog.format_type(oprright, NULL)
    ),
    'calls ' || oprcode::regprocedure::text,
    false
FROM reachable
JOIN pg_operator AS operator ON oprnamespace = reachable.oid
WHERE oprname::text = ANY ($6)
  AND oprleft IN (SELECT oid FROM operands)
  AND oprright IN (SELECT oid FROM operands)
  AND (is_ahead OR NOT EXISTS (
      SELECT
      FROM pg_operator AS original
      WHERE original.oprnamespace = 'pg_catalog'::regnamespace::oid
        AND original.oprname = operator.oprname
        AND original.oprleft = operator.oprleft
        AND original.oprright = operator.oprright
  ))
UNION ALL
SELECT
    'operator',
    'class ' || opcnamespace::regnamespace::text || '.' || opcname::text,
    'DEFAULT FOR TYPE ' || pg_catalog.format_type(opcintype, NULL) || ' USING ' || amname::text,
    false
FROM pg_opclass
JOIN pg_am ON pg_am.oid = opcmethod
WHERE opcdefault AND opcintype IN (SELECT oid FROM types)
UNION ALL
-- The crate's statements qualify every function. Diesel's statements do not, and neither may queries of the application.
SELECT
    'function',
    pg_catalog.format('%s.%s(%s)', name, proname, (
        SELECT pg_catalog.string_agg(pg_catalog.format_type(type, NULL), ', ' ORDER BY position)
        FROM pg_catalog.unnest(proargtypes::oid[]) WITH ORDINALITY AS argument (type, position)
    )),
    'returns ' || pg_catalog.pg_get_function_result(function.oid),
    proname::text <> ALL ($8)
FROM reachable
JOIN pg_proc AS function ON pronamespace = reachable.oid
WHERE (proname::text = ANY ($5) OR proname::text = ANY ($8))
  AND NOT EXISTS (
      SELECT
      FROM pg_catalog.unnest(proargtypes::oid[]) AS argument (type)
      WHERE type NOT IN (SELECT oid FROM arguments)
  )
  AND (is_ahead OR NOT EXISTS (
      SELECT
      FROM pg_proc AS original
      WHERE original.pronamespace = 'pg_catalog'::regnamespace::oid
        AND original.proname = function.proname
        AND original.proargtypes = function.proargtypes
  ))
UNION ALL
SELECT
    'type',
    CASE WHEN pg_catalog.starts_with(name, 'pg_temp') THEN 'pg_temp' ELSE name END || '.' || typname::text,
    'a type that search_path finds before that of pg_catalog',
    false
FROM reachable
JOIN pg_type ON typnamespace = reachable.oid
WHERE is_ahead AND typname::text = ANY ($7)
ORDER BY kind, object;

-- The policies of the tables in $1, one row per policy, and one for a table without any. The settings are those of catalog.sql.
SELECT
    relname::text AS table_name,
    relrowsecurity AS is_enabled,
    polname::text AS policy,
    pg_catalog.concat_ws(
        ' ',
        CASE WHEN NOT polpermissive THEN 'RESTRICTIVE' END,
        CASE polcmd
            WHEN '*' THEN 'FOR ALL' WHEN 'r' THEN 'FOR SELECT' WHEN 'a' THEN 'FOR INSERT' WHEN 'w' THEN 'FOR UPDATE'
            WHEN 'd' THEN 'FOR DELETE'
        END,
        -- A policy for everybody has the role 0. Roles differ between databases, so they are not part of a definition.
        CASE WHEN '0'::oid = ANY (polroles) THEN 'TO PUBLIC' ELSE 'TO ROLES' END,
        'USING (' || pg_catalog.btrim(pg_catalog.regexp_replace(pg_catalog.pg_get_expr(polqual, polrelid), '\s+', ' ', 'g')) || ')',
        'WITH CHECK (' || pg_catalog.btrim(pg_catalog.regexp_replace(pg_catalog.pg_get_expr(polwithcheck, polrelid), '\s+', ' ', 'g')) || ')'
    ) AS definition
FROM pg_class
LEFT JOIN pg_policy ON polrelid = pg_class.oid
WHERE pg_class.oid = ANY ($1)
ORDER BY relname, polname;

ROLLBACK;
