SELECT
    :events
FROM timeline
