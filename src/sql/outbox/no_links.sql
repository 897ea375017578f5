-- Makes `linked`: no event. The database has rejected those that wait, and the next sweep reports them.
linked AS (
    SELECT id AS delivery_id, type, occurred_at
    FROM mailglass_events
    WHERE false
)
