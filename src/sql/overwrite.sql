-- Reads `folded`. Makes `next`: the projection columns as they are folded, whatever the row has. An earlier statement has
-- locked the rows.
next AS (
    SELECT * FROM folded
)
