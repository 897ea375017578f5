-- Makes `page`: the next events by id.
page AS (
    SELECT *
    FROM mailglass_events
    WHERE :position IS NULL OR id > :position
    ORDER BY id
    LIMIT :batch
)
