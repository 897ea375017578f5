-- Returns those of the names for which search_path finds a table, with its schema, the roles of one of its policies (NULL
-- without that policy), and whether it has tenants.
SELECT
    wanted.name,
    namespace.nspname::text AS schema,
    (
        SELECT ARRAY(
            -- A policy for everybody has the role 0.
            SELECT coalesce(authid.rolname::text, 'public')
            FROM (SELECT pg_catalog.unnest(policy.polroles) AS oid) AS granted
            LEFT JOIN pg_catalog.pg_roles AS authid ON authid.oid = granted.oid
        )
        FROM pg_catalog.pg_policy AS policy
        WHERE policy.polrelid = class.oid
          AND policy.polname::text = $2
    ) AS policy_roles,
    EXISTS (
        SELECT
        FROM pg_catalog.pg_attribute AS attribute
        WHERE attribute.attrelid = class.oid
          AND attribute.attname::text = 'tenant_id'
          AND NOT attribute.attisdropped
    ) AS has_tenants
FROM (SELECT pg_catalog.unnest($1) AS name) AS wanted
JOIN pg_catalog.pg_class AS class ON class.oid = pg_catalog.to_regclass(wanted.name)
JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace;

-- a statement of migrations_revert_to.sql
