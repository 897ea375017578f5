BEGIN;

-- a statement of privacy_export.sql

COMMIT;
