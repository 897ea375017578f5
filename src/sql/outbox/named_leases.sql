-- Reads `named`. Makes `leases`: the lease that the row has now.
leases AS (
    SELECT named.*, entry.lease_id
    FROM named
    JOIN mailglass_outbox AS entry ON entry.delivery_id = named.delivery_id
)
