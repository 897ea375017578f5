-- a statement of contract_verify.sql

-- What the current role can do beyond the rights of a table. $1: the crate's tables.
SELECT
    rolname::text AS role,
    rolsuper AS is_superuser,
    rolbypassrls AS bypasses,
    -- Also through a role that it is a member of.
    ARRAY(
        SELECT relname::text
        FROM pg_catalog.pg_class
        WHERE oid = ANY ($1)
          AND pg_catalog.pg_has_role(relowner, 'USAGE')
        ORDER BY relname
    ) AS owned
FROM pg_catalog.pg_roles
WHERE rolname = current_user;
