-- Makes `chosen`: the end of the range.
chosen AS (
    SELECT coalesce(:until, pg_catalog.now() - pg_catalog.make_interval(secs => :lag)) AS until
)
