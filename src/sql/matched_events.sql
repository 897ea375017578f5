-- Reads `matched`. Makes `waiting`: events that an earlier statement appended, and that wait for their delivery.
-- MATERIALIZED: Citus 13 sends an INSERT … SELECT that it can route as a whole to the worker with a WHERE that is no SQL.
waiting AS MATERIALIZED (
    SELECT *
    FROM matched
)
