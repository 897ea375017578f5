-- Names that need quotes: capitals, spaces, quotes, dots, markup, other alphabets, and as long as names can be.
CREATE TABLE "Order Items" (
    "Line ""No"""  smallint PRIMARY KEY,
    "camelCase"    integer,
    "a.b"          integer,
    "it's | ` <b>" integer,
    "ünïcödé 😀"    integer,
    "1st"          integer,
    a_column_name_of_63_bytes_that_goes_on_until_there_is_no_room_x integer
);
CREATE UNIQUE INDEX "an index USING (x)" ON "Order Items" ("a.b", "1st");
