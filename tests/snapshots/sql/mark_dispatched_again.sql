BEGIN;

-- a statement of mark_dispatched.sql

COMMIT;
