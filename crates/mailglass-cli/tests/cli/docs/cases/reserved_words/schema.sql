-- Words that SQL, Rust, DBML or Mermaid reserve, as names of a table, a type and columns.
CREATE TYPE "table" AS ENUM ('null', 'pk');
CREATE TABLE "select" (
    "from"  integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "type"  "table" NOT NULL DEFAULT 'pk',
    pk      text UNIQUE,
    note    text,
    "where" integer,
    "ref"   integer REFERENCES "select" ("from")
);
