SET LOCAL work_mem = '4MB';
SELECT set_config('work_mem', '4MB', true);
DO $$ BEGIN UPDATE walls SET role = 'x'; END $$;
DO $do$ BEGIN EXECUTE $$UPDATE walls SET role = 'y'$$; END $do$;
SELECT typname FROM pg_type WHERE typname = 'paint';
CREATE FUNCTION f() RETURNS text LANGUAGE sql SET search_path = pg_catalog AS 'SELECT 1::text';
COMMENT ON TYPE paint IS 'DO NOT ALTER TYPE';
ALTER TYPE paint RENAME VALUE U&'b' TO $$c$$;
