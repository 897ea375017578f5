-- CREATE TYPE paint AS ENUM ('in a comment');
/* CREATE TYPE paint AS ENUM ('in a comment /* in a comment */'); */
create type "paint" as enum (
    'red',
    'grey',
    'teal', -- between the two
    'dark_blue'
);
Alter Type paint Rename Value 'grey' To 'green';

CREATE TYPE finish AS ENUM ('satin', $$gloss$$);
ALTER TYPE finish ADD VALUE IF NOT EXISTS E'matt' BEFORE 'satin';
ALTER TYPE finish ADD VALUE IF NOT EXISTS 'gloss';
ALTER TYPE finish RENAME TO finishes;
ALTER TYPE finishes RENAME VALUE 'satin' TO 'silk';
ALTER TYPE finishes RENAME VALUE 'gloss' TO 'satin';
ALTER TYPE finishes RENAME VALUE 'silk' TO 'gloss';
ALTER TYPE finishes OWNER TO CURRENT_USER;
ALTER TYPE finishes RENAME TO finish;

CREATE TYPE stripe AS RANGE (subtype = integer);
CREATE TYPE later;
CREATE TYPE point AS (x integer, y integer);
ALTER TYPE point ADD ATTRIBUTE z integer;
CREATE TABLE walls (at point, paint paint NOT NULL DEFAULT 'red', finish finish);
CREATE VIEW advice AS SELECT 'ALTER TYPE paint ADD VALUE what you like' AS advice;
COMMENT ON TABLE walls IS 'What a DROP TYPE would take along; DO NOT.';

CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    RAISE EXCEPTION 'don''t touch; it''s wet' USING ERRCODE = '45W01', DETAIL = $$the paint$$;
END;
$body$;

CREATE INDEX walls_paint_idx ON walls (paint);
