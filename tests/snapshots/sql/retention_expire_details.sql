-- Whether row-level security hides details from this role. The policy of roles that work on all tenants hides none.
SELECT
    coalesce(pg_catalog.row_security_active(details.id::oid), false)
    AND NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_policy AS policy
        CROSS JOIN LATERAL pg_catalog.unnest(policy.polroles) AS role
        WHERE policy.polrelid = details.id
          AND policy.polname = 'mailglass_all_tenants'
          AND pg_catalog.pg_has_role(role, 'USAGE')
    ) AS is_hidden
FROM (SELECT pg_catalog.to_regclass('mailglass_event_details') AS id) AS details;

-- Deletes details that are older than $1, at most $3. Rows that another process deletes are skipped.
DELETE FROM mailglass_event_details
WHERE event_id = ANY (ARRAY(
    SELECT event_id
    FROM mailglass_event_details
    WHERE $1 > inserted_at
      AND ($2 IS NULL OR tenant_id = $2)
    ORDER BY inserted_at
    LIMIT $3
    FOR UPDATE SKIP LOCKED
));
