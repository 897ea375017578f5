-- folded -> next: what is there does not count. The rows are locked already, by an earlier statement.
next AS (
    SELECT * FROM folded
)
