-- Labels with quotes, markup and blanks, an empty label, and notes on labels in the comment of their type.
CREATE TYPE "Order State" AS ENUM ('draft', 'Paid', 'it''s "odd" | `x` <b>', '');
COMMENT ON TYPE "Order State" IS E'The state of an order.\n- draft: nobody has paid yet\nPaid: the money | the *whole* money <i>is</i> here\n  it''s "odd" | `x` <b>: </td></tr><script>alert(1)</script>';
CREATE TABLE orders (state "Order State" NOT NULL DEFAULT 'draft', earlier "Order State"[]);
