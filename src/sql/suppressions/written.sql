-- Reads `written`. Returns the suppressions that were inserted or extended.
SELECT
    :suppressions(written)
FROM written
