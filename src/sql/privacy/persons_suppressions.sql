-- Reads `digested`. Makes `found`: locks the suppressions of the address that still have it, in the order in which a batch inserts
-- them.
found AS (
    SELECT suppression.id
    FROM digested
    CROSS JOIN LATERAL (
        SELECT suppression.id
        FROM mailglass_suppressions AS suppression
        WHERE suppression.tenant_id = digested.tenant_id
          AND suppression.digest = digested.digest
          AND suppression.address IS NOT NULL
        ORDER BY suppression.scope, suppression.stream, suppression.reason
        FOR NO KEY UPDATE
    ) AS suppression
)
