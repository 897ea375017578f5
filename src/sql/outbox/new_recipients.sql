-- Reads `unchecked`. Makes `recipients`: the recipients of new deliveries, for suppressed.sql.
recipients AS (
    SELECT id AS row_id, tenant_id, stream, recipient, suppress_always
    FROM unchecked
)
