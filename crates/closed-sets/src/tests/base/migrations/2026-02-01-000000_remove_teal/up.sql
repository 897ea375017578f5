-- Postgres has no DROP VALUE.
ALTER TYPE paint RENAME TO paint_with_teal;
CREATE TYPE paint AS ENUM ('red', 'green', 'dark_blue');
ALTER TABLE walls ALTER COLUMN paint TYPE paint USING replace(paint::text, 'teal', 'green')::paint;
DROP TYPE paint_with_teal;
