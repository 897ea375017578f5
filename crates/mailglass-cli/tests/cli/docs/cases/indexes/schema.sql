-- Indexes that are more than a list of columns.
CREATE TABLE orders (id integer NOT NULL, state text, tags text[], paid boolean);
CREATE INDEX orders_tags_idx ON orders USING gin (tags) WITH (fastupdate = off);
CREATE INDEX orders_order_idx ON orders (state COLLATE "C" DESC NULLS LAST);
CREATE UNIQUE INDEX orders_partial_idx ON orders (lower(state), id DESC NULLS LAST) INCLUDE (paid) WHERE state <> 'paid';
COMMENT ON INDEX orders_partial_idx IS 'A partial | expression index.';
CREATE UNIQUE INDEX orders_unpaid_idx ON orders (id) WHERE NOT paid;
CREATE UNIQUE INDEX orders_nulls_idx ON orders (state) NULLS NOT DISTINCT;
