-- Reads `digested`, one subject. Makes `found`: locks its suppressions, in the order in which a batch inserts them.
found AS (
    SELECT suppression.id
    FROM digested
    CROSS JOIN LATERAL (
        SELECT suppression.id
        FROM mailglass_suppressions AS suppression
        WHERE suppression.tenant_id = digested.tenant_id
          AND suppression.digest = digested.digest
          AND suppression.scope::text = digested.scope::text
          AND (suppression.stream::text = digested.stream::text) IS NOT FALSE
          AND (digested.reason IS NULL OR suppression.reason::text = digested.reason::text)
        ORDER BY suppression.reason
        FOR UPDATE
    ) AS suppression
)
