-- References over several columns, to the same table, optional and unique ones, and to a table that is left out.
CREATE TABLE orders (id uuid, line smallint, parent uuid, parent_line smallint, PRIMARY KEY (id, line));
ALTER TABLE orders ADD CONSTRAINT "fk: parent" FOREIGN KEY (parent, parent_line) REFERENCES orders
    MATCH FULL ON DELETE CASCADE;
CREATE SCHEMA hidden;
CREATE TABLE hidden.customers (id bigint PRIMARY KEY);
CREATE TABLE receipts (
    customer bigint NOT NULL UNIQUE REFERENCES hidden.customers ON DELETE SET NULL ON UPDATE CASCADE,
    "order"  uuid,
    line     smallint,
    FOREIGN KEY ("order", line) REFERENCES orders
);
