-- Reads `found`. Deletes the suppressions, and returns them.
DELETE FROM mailglass_suppressions AS suppression
USING (SELECT id FROM found LIMIT (SELECT NULL::bigint)) AS found
WHERE suppression.id = found.id
RETURNING
    :suppressions(suppression)
