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
ORDER BY kind, object
