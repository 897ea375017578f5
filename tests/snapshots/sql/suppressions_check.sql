WITH recipients AS (
    SELECT
        pg_catalog.unnest(row_id) AS row_id,
        pg_catalog.unnest(tenant_id) AS tenant_id,
        pg_catalog.unnest(stream) AS stream,
        pg_catalog.unnest(recipient) AS recipient,
        pg_catalog.unnest(suppress_always) AS suppress_always
    FROM (
        SELECT
            $1 AS row_id,
            $2 AS tenant_id,
            $3 AS stream,
            $4 AS recipient,
            $5 AS suppress_always
        OFFSET 0
    ) AS batch
),
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
),
-- Reads `subjects` (tenant_id, address, …). Makes `digested`: the same rows, each with the digest by which suppressions are
-- compared. This is the only place that computes it. The length separates the tenant from the address, whatever characters they have.
-- OFFSET 0: the digests are computed once for each row, and a policy of row-level security can't keep them out of an index condition.
digested AS (
    SELECT
        subjects.*,
        pg_catalog.sha256(
            pg_catalog.convert_to(
                pg_catalog.concat(
                    pg_catalog.octet_length(pg_catalog.convert_to(tenant_id, 'UTF8')), ':',
                    tenant_id, ':',
                    pg_catalog.lower(address COLLATE "C")
                ),
                'UTF8'
            )
        ) AS digest
    FROM subjects
    OFFSET 0
),
-- Reads `digested`, made of the `subjects` of recipients. Makes `suppressed`: the rows whose recipient is suppressed now, each with
-- the strongest suppression. A permanent one is stronger than an expiring one; then the reasons have an order.
-- OFFSET 0 keeps the planner to the index by digest, as in timeline.sql.
suppressed AS (
    SELECT DISTINCT ON (digested.row_id)
        digested.row_id,
        found.id,
        found.scope,
        found.reason,
        found.until
    FROM digested
    CROSS JOIN LATERAL (
        SELECT
            id, scope, stream, reason, since, until,
            reason::text AS reason_label
        FROM mailglass_suppressions AS suppression
        WHERE suppression.tenant_id = digested.tenant_id
          AND suppression.digest = digested.digest
        OFFSET 0
    ) AS found
    WHERE found.since <= pg_catalog.statement_timestamp()
      AND (found.until IS NULL OR found.until > pg_catalog.statement_timestamp())
      AND (found.scope::text = 'domain') = digested.is_domain
      AND (found.stream IS NULL OR found.stream::text = digested.stream)
      -- A transactional message is held back only if the address does not work.
      AND (
          digested.suppress_always
          OR digested.stream <> 'transactional'
          OR found.reason_label IN ('hard_bounce', 'invalid_recipient')
      )
    ORDER BY
        digested.row_id,
        found.until IS NOT NULL,
        pg_catalog.array_position(
            ARRAY['hard_bounce', 'invalid_recipient', 'complaint', 'unsubscribe', 'manual', 'policy', 'soft_bounce'],
            found.reason_label
        ),
        found.id
)
-- Reads `suppressed`. Returns it.
SELECT row_id, id, scope, reason, until
FROM suppressed;
