-- Reads `examined`. Makes `settled`: deletes the rows that are over.
settled AS (
    DELETE FROM mailglass_outbox AS entry
    USING examined
    WHERE entry.delivery_id = examined.delivery_id
      AND examined.outcome = 'over'
)
