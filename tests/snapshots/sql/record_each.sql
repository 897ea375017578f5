BEGIN;

-- a statement of record.sql

-- a statement of record_replay.sql

COMMIT;
