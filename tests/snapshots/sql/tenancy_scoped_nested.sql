BEGIN;

SAVEPOINT diesel_savepoint_1;

-- a statement of tenancy_scoped.sql

RELEASE SAVEPOINT diesel_savepoint_1;

COMMIT;
