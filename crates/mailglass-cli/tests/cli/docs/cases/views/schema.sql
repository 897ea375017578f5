-- A view and a materialized view with an index. Columns are qualified in every version of PostgreSQL if there are two tables.
CREATE TABLE orders (id integer PRIMARY KEY, state text);
CREATE VIEW open_orders AS SELECT o.id, o.state AS "it's | ` <b>" FROM orders AS o JOIN orders AS p ON p.id = o.id WHERE o.state <> 'paid';
COMMENT ON VIEW open_orders IS 'Orders that are | not paid.';
CREATE MATERIALIZED VIEW totals AS SELECT count(*) AS many FROM orders;
CREATE UNIQUE INDEX totals_idx ON totals (many);
