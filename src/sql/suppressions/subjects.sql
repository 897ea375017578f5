-- Reads `recipients` (row_id, tenant_id, stream, recipient, suppress_always). Makes `subjects`: what a suppression may name of
-- each of them, which is the address and its domain. A row whose suppress_always is NULL is not checked.
subjects AS (
    SELECT
        recipients.row_id,
        recipients.tenant_id,
        recipients.stream::text AS stream,
        recipients.suppress_always,
        named.is_domain,
        named.address
    FROM recipients
    CROSS JOIN LATERAL (
        SELECT false AS is_domain, recipients.recipient AS address
        UNION ALL
        SELECT true, pg_catalog.split_part(recipients.recipient, '@', -1)
    ) AS named
    WHERE recipients.suppress_always IS NOT NULL
)
