-- Returns a page of suppressions: by tenant, and the latest first. `since <= :latest` makes the start of the page a range of the index.
SELECT
    :suppressions(suppression)
FROM mailglass_suppressions AS suppression
WHERE (:tenant IS NULL OR tenant_id = :tenant)
  AND (:after_tenant IS NULL OR tenant_id > :after_tenant)
  AND (:latest IS NULL OR since <= :latest)
  AND (:latest IS NULL OR :latest > since OR :after_id > id)
  AND (:scope IS NULL OR scope::text = :scope)
  AND (:stream IS NULL OR stream::text = :stream)
  AND (:reason IS NULL OR reason::text = :reason)
  AND (
      NOT :in_force
      OR (
          since <= pg_catalog.statement_timestamp()
          AND (until IS NULL OR until > pg_catalog.statement_timestamp())
      )
  )
ORDER BY tenant_id, since DESC, id DESC
LIMIT :limit
