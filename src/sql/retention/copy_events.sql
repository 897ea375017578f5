-- Reads `judged`. Makes `copied` and `noted`: writes the events that stay to the new ledger, and the ids of those that leave.
copied AS (
    INSERT INTO mailglass_events_next (:columns)
    OVERRIDING SYSTEM VALUE
    SELECT :columns
    FROM judged
    WHERE NOT leaves
    ORDER BY id
),
noted AS (
    INSERT INTO mailglass_cut_events (event_id)
    SELECT id
    FROM judged
    WHERE leaves
)
