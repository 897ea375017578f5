CREATE TABLE customers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    email text NOT NULL
);

CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES customers (id),
    item text NOT NULL,
    cents bigint NOT NULL CHECK (cents > 0),
    -- The confirmation mail. Retention may remove the delivery; the order stays.
    delivery_id uuid REFERENCES mailglass_deliveries (id) ON DELETE SET NULL,
    placed_at timestamptz NOT NULL DEFAULT now()
);

-- For the foreign key, and for the mailer, which finds the order of a delivery.
CREATE UNIQUE INDEX orders_delivery_id_idx ON orders (delivery_id);
