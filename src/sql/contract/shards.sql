-- The triggers in $2 of the tables in $1 that a shard of Citus lacks, or has in another state, one row per placement. It
-- compares with the table that has the shards, which the other statements compare with this build. search_path has only
-- pg_catalog, so PostgreSQL prints all other names with their schema.
WITH expected AS (
    SELECT
        tgrelid AS relation,
        relname::text AS table_name,
        tgname::text AS name,
        tgtype,
        tgenabled::text AS state,
        pg_catalog.pg_get_triggerdef(pg_trigger.oid) AS definition,
        partmethod = 'n' AS has_one_shard
    FROM pg_trigger
    JOIN pg_class ON pg_class.oid = tgrelid
    JOIN pg_dist_partition ON logicalrelid = tgrelid
    WHERE tgrelid = ANY ($1)
      AND tgname::text = ANY ($2)
),
placements AS (
    SELECT relation, placement.*
    FROM (SELECT DISTINCT relation FROM expected) AS distributed
    CROSS JOIN LATERAL pg_catalog.run_command_on_placements(
        relation::regclass,
        $command$
            SELECT pg_catalog.json_agg(
                pg_catalog.json_build_array(tgname, tgtype, tgenabled, pg_catalog.pg_get_triggerdef(oid))
            )
            FROM pg_catalog.pg_trigger
            WHERE tgrelid = %L::pg_catalog.regclass
              AND NOT tgisinternal
        $command$
    ) AS placement
),
compared AS (
    SELECT
        expected.*,
        placements.nodename, placements.nodeport, placements.shardid, placements.success, placements.result,
        expected.name || '_' || shardid AS name_on_shard,
        found.value AS found
    FROM expected
    JOIN placements ON placements.relation = expected.relation
    LEFT JOIN LATERAL pg_catalog.json_array_elements(CASE WHEN success THEN result::json END) AS found (value)
        ON found.value ->> 0 = expected.name || '_' || shardid
)
SELECT
    table_name || '_' || shardid AS shard,
    nodename || ':' || nodeport AS node,
    name_on_shard AS trigger,
    -- The names of states are those of catalog.sql.
    pg_catalog.concat_ws(' ', definition, states.names ->> state) AS expected,
    CASE WHEN found IS NOT NULL THEN pg_catalog.concat_ws(' ', found ->> 3, states.names ->> (found ->> 2)) END AS found,
    CASE WHEN NOT success THEN result END AS error,
    CASE WHEN has_one_shard AND success THEN
        pg_catalog.format(
            'SELECT run_command_on_placements(%L, %L)',
            relation_name,
            pg_catalog.format(
                'CREATE OR REPLACE TRIGGER %I%s',
                name_on_shard,
                pg_catalog.replace(
                    pg_catalog.replace(
                        pg_catalog.substring(definition, pg_catalog.length('CREATE TRIGGER ' || pg_catalog.quote_ident(name)) + 1),
                        '%',
                        '%%'
                    ),
                    ' ON ' || pg_catalog.replace(relation_name, '%', '%%') || ' ',
                    ' ON %1$s '
                )
            ) || CASE state WHEN 'A' THEN pg_catalog.format('; ALTER TABLE %%1$s ENABLE ALWAYS TRIGGER %I', name_on_shard) ELSE '' END
        )
    END AS repair
FROM compared
CROSS JOIN LATERAL (SELECT relation::regclass::text AS relation_name) AS named
CROSS JOIN (SELECT '{"A": "ENABLE ALWAYS", "R": "ENABLE REPLICA", "D": "DISABLED"}'::json AS names) AS states
WHERE NOT success
   OR found IS NULL
   OR (found ->> 1)::smallint <> tgtype
   OR found ->> 2 <> state
ORDER BY shard, trigger, node
