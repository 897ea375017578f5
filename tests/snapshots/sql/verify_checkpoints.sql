-- Returns the SHA-256 of each text, in order.
SELECT pg_catalog.sha256(given.bytes) AS digest
FROM pg_catalog.unnest($1) WITH ORDINALITY AS given (bytes, position)
ORDER BY given.position;

BEGIN;

-- a statement of privacy_export.sql

-- a statement of checkpoint.sql

COMMIT;
