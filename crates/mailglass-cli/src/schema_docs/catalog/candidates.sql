-- The relations that can be documented: no system relations, no partitions, which belong to their table, and neither Diesel's
-- list of migrations nor what `mailglass retention` makes: old ledgers, and the tables of an unfinished cut.
SELECT
    class.oid,
    nspname::text AS schema,
    relname::text AS name,
    pg_table_is_visible(class.oid) AS is_visible
FROM pg_class AS class
JOIN pg_namespace AS namespace ON namespace.oid = relnamespace
WHERE
    relkind IN ('r', 'p', 'f', 'v', 'm')
    AND NOT relispartition
    AND relpersistence <> 't'
    AND nspname <> 'information_schema'
    AND nspname NOT LIKE 'pg\_%'
    AND relname <> '__diesel_schema_migrations'
    AND relname !~ '^mailglass_(events_until_[0-9]{8}(_[0-9]+)?|events_next|cut|cut_arrivals|cut_deliveries|cut_events)$'
    AND NOT EXISTS (
        SELECT FROM pg_depend
        WHERE classid = 'pg_class'::regclass AND objid = class.oid AND deptype = 'e'
    )
