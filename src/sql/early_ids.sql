SELECT event_id
FROM early
