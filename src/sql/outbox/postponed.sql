SELECT available_at
FROM postponed
