-- Reads `detailed`. Makes `given`: the personal details of events that an earlier statement appended.
-- MATERIALIZED: see matched_events.sql.
given AS MATERIALIZED (
    SELECT *
    FROM detailed
)
