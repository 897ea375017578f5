-- Reads `suppressed`. Returns it.
SELECT row_id, id, scope, reason, until
FROM suppressed
