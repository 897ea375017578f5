BEGIN;

-- a statement of insert.sql

COMMIT;
