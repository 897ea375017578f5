BEGIN;

-- a statement of record_several.sql

-- a statement of record_replay.sql

COMMIT;
