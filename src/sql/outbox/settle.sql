-- Reads `examined`. Makes `settled`: deletes the rows that are over.
-- Twice LIMIT NULL, which removes no row: the planner expects a tenth of the rows of each, and so looks up the few rows by their ids,
-- whatever it knows about the table. See write_projections.sql.
few AS (
    SELECT *
    FROM (SELECT * FROM examined LIMIT (SELECT NULL::bigint)) AS examined
    LIMIT (SELECT NULL::bigint)
),
settled AS (
    DELETE FROM mailglass_outbox AS entry
    USING few AS examined
    WHERE entry.delivery_id = examined.delivery_id
      AND examined.outcome = 'over'
)
