-- Reads `matched`. Makes `waiting`: events that an earlier statement appended, and that wait for their delivery.
waiting AS (
    SELECT *
    FROM matched
)
