-- Reads `wanted`. Makes `windows`: the windows of the limits that are given, and their ends.
windows AS (
    SELECT
        limits.is_of_domain,
        limits.seconds,
        limits.claims,
        pg_catalog.to_timestamp(
            (pg_catalog.floor(extract(epoch FROM pg_catalog.statement_timestamp()) / limits.seconds) + 1) * limits.seconds
        ) AS ends_at
    FROM wanted
    CROSS JOIN LATERAL (
        VALUES (false, tenant_window, tenant_claims), (true, domain_window, domain_claims)
    ) AS limits (is_of_domain, seconds, claims)
    WHERE limits.seconds IS NOT NULL
)
