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
ORDER BY relname, polname
