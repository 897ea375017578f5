-- Names that differ only in their schema, or only by a dot.
-- tables: *,a.*,audit.*
CREATE SCHEMA audit;
CREATE TABLE orders (id integer PRIMARY KEY);
CREATE TABLE audit.orders ("order" integer REFERENCES public.orders);
CREATE SCHEMA a;
CREATE TABLE "a.b" (a integer);
CREATE TABLE a.b (b integer REFERENCES public.orders);
CREATE TABLE a (b integer);
