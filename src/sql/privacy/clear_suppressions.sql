-- Reads `found`. Removes the addresses, and returns the suppressions. They stay in force, by their digests.
UPDATE mailglass_suppressions AS suppression
SET address = NULL
FROM (SELECT * FROM found LIMIT (SELECT NULL::bigint)) AS found
WHERE suppression.id = found.id
RETURNING suppression.id
