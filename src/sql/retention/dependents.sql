-- Returns the objects that refer to the ledger as this very table, and not by its name, so that they would stay with the old one:
-- views, foreign keys, rules, functions with an SQL body, inheritance, sequences, publications of all tables, subscriptions. What
-- structure.sql carries over is left out.
WITH ledger AS (
    SELECT class.oid, class.reltype, type.typarray
    FROM pg_catalog.pg_class AS class
    JOIN pg_catalog.pg_type AS type ON type.oid = class.reltype
    WHERE class.oid = :ledger
),
dependents AS (
    SELECT DISTINCT classid, objid, objsubid
    FROM ledger
    JOIN pg_catalog.pg_depend
        ON (refclassid = 'pg_catalog.pg_class'::regclass AND refobjid = ledger.oid)
        OR (refclassid = 'pg_catalog.pg_type'::regclass AND refobjid IN (ledger.reltype, ledger.typarray))
    WHERE deptype IN ('n', 'a', 'i')
      AND NOT EXISTS (
          SELECT
          FROM pg_catalog.pg_class AS class
          WHERE classid = 'pg_catalog.pg_class'::regclass AND class.oid = objid AND class.relkind IN ('i', 't')
      )
      AND NOT (classid = 'pg_catalog.pg_type'::regclass AND objid IN (ledger.reltype, ledger.typarray))
      AND NOT EXISTS (
          SELECT
          FROM pg_catalog.pg_constraint AS own
          WHERE classid = 'pg_catalog.pg_constraint'::regclass AND own.oid = objid AND own.conrelid = ledger.oid
      )
      AND NOT EXISTS (
          SELECT
          FROM pg_catalog.pg_trigger AS own
          WHERE classid = 'pg_catalog.pg_trigger'::regclass AND own.oid = objid AND own.tgrelid = ledger.oid
      )
      AND NOT EXISTS (
          SELECT
          FROM pg_catalog.pg_attrdef AS own
          WHERE classid = 'pg_catalog.pg_attrdef'::regclass AND own.oid = objid AND own.adrelid = ledger.oid
      )
      AND NOT EXISTS (
          SELECT
          FROM pg_catalog.pg_policy AS own
          WHERE classid = 'pg_catalog.pg_policy'::regclass AND own.oid = objid AND own.polrelid = ledger.oid
      )
      AND NOT EXISTS (
          SELECT
          FROM pg_catalog.pg_statistic_ext AS own
          WHERE classid = 'pg_catalog.pg_statistic_ext'::regclass AND own.oid = objid AND own.stxrelid = ledger.oid
      )
      AND classid <> 'pg_catalog.pg_publication_rel'::regclass
)
SELECT
    -- A view depends through its rule.
    coalesce(
        (
            SELECT pg_catalog.pg_describe_object('pg_catalog.pg_class'::regclass, ev_class, 0)
            FROM pg_catalog.pg_rewrite
            WHERE classid = 'pg_catalog.pg_rewrite'::regclass AND pg_rewrite.oid = objid AND rulename = '_RETURN'
        ),
        pg_catalog.pg_describe_object(classid, objid, 0)
    ) AS object
FROM dependents
UNION
SELECT 'parent table ' || inhparent::regclass::text
FROM ledger
JOIN pg_catalog.pg_inherits ON inhrelid = ledger.oid
UNION
-- These publish the new ledger while it is built, under a name that no subscriber has.
SELECT 'publication ' || pg_catalog.quote_ident(pubname) || ' of all tables'
FROM pg_catalog.pg_publication
WHERE puballtables
UNION
SELECT 'publication ' || pg_catalog.quote_ident(pubname) || ' of all tables in the schema'
FROM ledger
JOIN pg_catalog.pg_class AS class ON class.oid = ledger.oid
JOIN pg_catalog.pg_publication_namespace ON pnnspid = class.relnamespace
JOIN pg_catalog.pg_publication ON pg_publication.oid = pnpubid
UNION
SELECT 'subscription with oid ' || srsubid
FROM ledger
JOIN pg_catalog.pg_subscription_rel ON srrelid = ledger.oid
UNION
SELECT 'security label of ' || provider
FROM ledger
JOIN pg_catalog.pg_seclabel ON objoid = ledger.oid AND classoid = 'pg_catalog.pg_class'::regclass
ORDER BY object
