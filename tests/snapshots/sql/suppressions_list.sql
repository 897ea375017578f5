-- Returns a page of suppressions: by tenant, and the latest first. `since <= $3` makes the start of the page a range of the index.
SELECT
    suppression.id, suppression.tenant_id, suppression.scope, suppression.stream, suppression.digest,
    suppression.address, suppression.reason, suppression.source_event_id, suppression.since, suppression.until
FROM mailglass_suppressions AS suppression
WHERE ($1 IS NULL OR tenant_id = $1)
  AND ($2 IS NULL OR tenant_id > $2)
  AND ($3 IS NULL OR since <= $3)
  AND ($3 IS NULL OR $3 > since OR $4 > id)
  AND ($5 IS NULL OR scope::text = $5)
  AND ($6 IS NULL OR stream::text = $6)
  AND ($7 IS NULL OR reason::text = $7)
  AND (
      NOT $8
      OR (
          since <= pg_catalog.statement_timestamp()
          AND (until IS NULL OR until > pg_catalog.statement_timestamp())
      )
  )
ORDER BY tenant_id, since DESC, id DESC
LIMIT $9;
