-- Reads `locked`. Makes `ended`: the deliveries leave the outbox, whoever has the lease, because they were sent.
ended AS (
    DELETE FROM mailglass_outbox AS entry
    USING (SELECT * FROM locked LIMIT (SELECT NULL::bigint)) AS locked
    WHERE entry.delivery_id = locked.delivery_id
    RETURNING entry.delivery_id, entry.lease_id
)
