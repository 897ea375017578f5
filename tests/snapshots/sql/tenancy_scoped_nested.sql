BEGIN;

SAVEPOINT diesel_savepoint_1;

-- a statement of privacy_export.sql

RELEASE SAVEPOINT diesel_savepoint_1;

COMMIT;
