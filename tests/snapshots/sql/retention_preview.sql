-- Returns what decides whether a cut can begin: the ledger that search_path finds, its schema, the tables that this role
-- does not own, and those whose rows row-level security hides from it. No row if there is no ledger.
-- $1: the tables whose rows leave, with the ledger.
SELECT
    ledger.oid AS ledger,
    namespace.nspname::text AS schema,
    pg_catalog.quote_ident(namespace.nspname) AS quoted_schema,
    current_user::text AS role,
    ARRAY(
        SELECT class.relname::text
        FROM pg_catalog.pg_class AS class
        WHERE class.oid = ANY (ours.oids)
          AND NOT pg_catalog.pg_has_role(class.relowner, 'USAGE')
        ORDER BY class.relname
    ) AS owned_by_others,
    pg_catalog.has_schema_privilege(namespace.oid, 'CREATE') AS may_create,
    ARRAY(
        SELECT class.relname::text
        FROM pg_catalog.pg_class AS class
        WHERE class.oid = ANY (ours.oids)
          AND pg_catalog.row_security_active(class.oid)
        ORDER BY class.relname
    ) AS hidden,
    pg_catalog.to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL AS has_citus,
    pg_catalog.to_regclass(pg_catalog.quote_ident(namespace.nspname) || '.mailglass_cut') IS NOT NULL AS is_running,
    pg_catalog.now() AS now
FROM pg_catalog.pg_class AS ledger
JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = ledger.relnamespace
CROSS JOIN (
    SELECT ARRAY(SELECT pg_catalog.to_regclass(name)::oid FROM pg_catalog.unnest($1) AS name) AS oids
) AS ours
WHERE ledger.oid = pg_catalog.to_regclass('mailglass_events');

-- Returns the objects that refer to the ledger as this very table, and not by its name, so that they would stay with the old one:
-- views, foreign keys, rules, functions with an SQL body, inheritance, sequences, publications of all tables, subscriptions. What
-- structure.sql carries over is left out.
WITH ledger AS (
    SELECT class.oid, class.reltype, type.typarray
    FROM pg_catalog.pg_class AS class
    JOIN pg_catalog.pg_type AS type ON type.oid = class.reltype
    WHERE class.oid = $1
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
ORDER BY object;

BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ;

-- Makes the preview find its own temporary table first, also while a cut is running.
SELECT
    pg_catalog.set_config('search_path', 'pg_temp, ' || pg_catalog.quote_ident($1), true),
    pg_catalog.set_config('row_security', 'off', true);

-- The deliveries that would leave. During a cut, a table of the same name has those that leave.
CREATE TEMPORARY TABLE mailglass_cut_deliveries (delivery_id uuid NOT NULL PRIMARY KEY) ON COMMIT DROP;

WITH -- Makes `page`: all deliveries.
page AS (
    SELECT id, tenant_id
    FROM mailglass_deliveries
),
-- Reads `page` (id, tenant_id). Makes `leaving`: the deliveries with facts, all of which are older than $1. The age of an event
-- is that of the earlier of its two times: occurred_at may be in the future, and inserted_at is later than the mail if a history was
-- imported.
-- OFFSET 0 keeps the look-ups on the indexes by delivery and by id: see timeline.sql.
leaving AS (
    SELECT page.id
    FROM page
    WHERE NOT EXISTS (
        SELECT
        FROM mailglass_events AS young
        WHERE young.delivery_id = page.id
          AND young.occurred_at >= $1
          AND (young.inserted_at >= $1) IS TRUE
          AND (young.tenant_id = page.tenant_id) IS TRUE
          AND NOT young.needs_reconciliation
        OFFSET 0
    )
      AND NOT EXISTS (
        SELECT
        FROM mailglass_event_links AS link
        CROSS JOIN LATERAL (SELECT * FROM mailglass_events AS event WHERE event.id = link.event_id OFFSET 0) AS young
        WHERE link.delivery_id = page.id
          AND (link.tenant_id = page.tenant_id) IS TRUE
          AND young.tenant_id = page.tenant_id
          AND young.occurred_at >= $1
          AND young.inserted_at >= $1
        OFFSET 0
    )
      AND (
        EXISTS (
            SELECT
            FROM mailglass_events AS own
            WHERE own.delivery_id = page.id
              AND (own.tenant_id = page.tenant_id) IS TRUE
              AND NOT own.needs_reconciliation
            OFFSET 0
        )
        OR EXISTS (
            SELECT
            FROM mailglass_event_links AS link
            CROSS JOIN LATERAL (SELECT * FROM mailglass_events AS event WHERE event.id = link.event_id OFFSET 0) AS linked
            WHERE link.delivery_id = page.id
              AND (link.tenant_id = page.tenant_id) IS TRUE
              AND linked.tenant_id = page.tenant_id
            OFFSET 0
        )
    )
      -- It was scheduled long ago, or is held.
      AND NOT EXISTS (SELECT FROM mailglass_outbox AS entry WHERE entry.delivery_id = page.id OFFSET 0)
)
-- Reads `leaving`. Writes the deliveries that would leave.
INSERT INTO mailglass_cut_deliveries (delivery_id)
SELECT id
FROM leaving;

ANALYZE mailglass_cut_deliveries;

WITH -- Makes `page`: all events.
page AS (
    SELECT id, tenant_id, delivery_id, occurred_at, inserted_at, needs_reconciliation
    FROM mailglass_events
),
-- Reads `page` and `mailglass_cut_deliveries`, which is a table or a CTE. Makes `judged`: the same events, each with whether it leaves.
-- An event that is not older than $1 stays: if it is a fact of a delivery, the delivery stays. An older one stays if it is a fact
-- of a delivery that stays, or if it waits for its delivery.
judged AS (
    SELECT
        page.*,
        (page.occurred_at < $1 OR page.inserted_at < $1)
        AND NOT (
            NOT page.needs_reconciliation
            AND EXISTS (
                SELECT
                FROM mailglass_deliveries AS delivery
                WHERE delivery.id = page.delivery_id
                  AND (delivery.tenant_id = page.tenant_id) IS TRUE
                  AND NOT EXISTS (
                      SELECT FROM mailglass_cut_deliveries AS leaving WHERE leaving.delivery_id = page.delivery_id OFFSET 0
                  )
                OFFSET 0
            )
        )
        AND NOT EXISTS (
            SELECT
            FROM mailglass_event_links AS link
            WHERE link.event_id = page.id
              AND (
                  (link.linked_at IS NULL AND link.expired_at IS NULL)
                  OR EXISTS (
                      SELECT
                      FROM mailglass_deliveries AS delivery
                      WHERE delivery.id = link.delivery_id
                        AND (delivery.tenant_id = page.tenant_id) IS TRUE
                        AND (delivery.tenant_id = link.tenant_id) IS TRUE
                        AND NOT EXISTS (
                            SELECT FROM mailglass_cut_deliveries AS leaving WHERE leaving.delivery_id = delivery.id OFFSET 0
                        )
                      OFFSET 0
                  )
              )
            OFFSET 0
        ) AS leaves
    FROM page
)
-- Reads `mailglass_cut_deliveries` and `judged`. Returns what would leave.
SELECT
    (SELECT pg_catalog.count(*) FROM mailglass_deliveries) AS deliveries,
    (SELECT pg_catalog.count(*) FROM mailglass_cut_deliveries) AS deliveries_leaving,
    pg_catalog.count(*) AS events,
    pg_catalog.count(*) FILTER (WHERE leaves) AS events_leaving
FROM judged;

COMMIT;
