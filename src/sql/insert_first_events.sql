-- Reads `input` and `inserted`. Makes `first_events`: appends the first event of each new delivery.
first_events AS (
    INSERT INTO mailglass_events (id, tenant_id, delivery_id, type, occurred_at, reject_reason)
    SELECT input.event_id, input.tenant_id, input.id, input.event_type, input.occurred_at, :reject_reason
    FROM input
    JOIN inserted ON inserted.id = input.id
)
