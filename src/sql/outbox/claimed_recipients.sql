-- Reads `wanted` and `examined`. Makes `recipients`: the recipients of the leased deliveries, for suppressed.sql.
recipients AS (
    SELECT
        examined.delivery_id AS row_id,
        (examined.found).tenant_id,
        (examined.found).stream,
        (examined.found).recipient,
        wanted.suppress_always
    FROM examined
    CROSS JOIN wanted
    WHERE examined.outcome = 'leased'
)
