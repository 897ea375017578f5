-- Reads `digested`. Returns the suppressions of the address, the latest first.
SELECT
    :suppressions(suppression)
FROM digested
CROSS JOIN LATERAL (
    SELECT *
    FROM mailglass_suppressions AS suppression
    WHERE suppression.tenant_id = digested.tenant_id
      AND suppression.digest = digested.digest
    OFFSET 0
) AS suppression
ORDER BY suppression.since DESC, suppression.id
