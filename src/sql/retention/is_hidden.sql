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
FROM (SELECT pg_catalog.to_regclass('mailglass_event_details') AS id) AS details
