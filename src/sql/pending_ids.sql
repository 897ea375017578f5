SELECT event_id
FROM wanted
