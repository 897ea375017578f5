-- The rights that this role lacks. $1: whether something is created; $2: what is done to Diesel's table of versions;
-- $3: the names of our tables.
SELECT quote_ident(current_user) AS role, name
  FROM (
        SELECT 1 AS place, 'USAGE and CREATE on a schema of search_path' AS name
         WHERE $1 AND current_schema() IS NULL
        UNION ALL
        SELECT 2, 'CREATE on schema ' || quote_ident(current_schema())
         WHERE $1 AND NOT has_schema_privilege(current_schema(), 'CREATE')
        UNION ALL
        SELECT 3, privilege || ' on table ' || quote_ident(namespace.nspname) || '.' || quote_ident(class.relname)
          FROM pg_class AS class
          JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
         CROSS JOIN (SELECT unnest($2) AS privilege) AS needed
         WHERE class.oid = to_regclass('__diesel_schema_migrations')
           AND NOT has_table_privilege(class.oid, privilege)
        UNION ALL
        SELECT 4, 'ownership of table ' || quote_ident(namespace.nspname) || '.' || quote_ident(class.relname)
          FROM (SELECT unnest($3) AS name) AS ours
          JOIN pg_class AS class ON class.oid = to_regclass(ours.name)
          JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
         WHERE NOT pg_has_role(class.relowner, 'USAGE')
       ) AS missing
 ORDER BY place, name
