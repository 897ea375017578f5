SELECT event_id
FROM pending
