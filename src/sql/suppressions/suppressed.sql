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
