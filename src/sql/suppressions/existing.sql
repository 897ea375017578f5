-- Reads `digested`, the new suppressions that were not inserted. Returns the suppression that exists instead of each.
-- If the scopes are equal, the streams are both NULL or neither is. OFFSET 0: see suppressed.sql.
SELECT
    digested.id AS row_id,
    :suppressions(found)
FROM digested
CROSS JOIN LATERAL (
    SELECT *
    FROM mailglass_suppressions AS suppression
    WHERE suppression.tenant_id = digested.tenant_id
      AND suppression.digest = digested.digest
    OFFSET 0
) AS found
WHERE found.scope::text = digested.scope::text
  AND found.reason::text = digested.reason::text
  AND (found.stream::text = digested.stream::text) IS NOT FALSE
