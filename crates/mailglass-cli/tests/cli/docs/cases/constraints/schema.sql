-- Constraints with odd names, deferred ones and an exclusion.
CREATE TABLE bookings (
    room   integer,
    "from" integer,
    during tstzrange NOT NULL,
    CONSTRAINT "pk of | bookings" PRIMARY KEY (room, "from"),
    CONSTRAINT "from is > 0" CHECK ("from" >= 0),
    CONSTRAINT later UNIQUE ("from") DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT same UNIQUE NULLS NOT DISTINCT (during, room),
    CONSTRAINT apart EXCLUDE USING gist (during WITH &&) WHERE (room IS NOT NULL)
) WITH (fillfactor = 80, autovacuum_enabled = false);
COMMENT ON CONSTRAINT "from is > 0" ON bookings IS 'Nobody arrives before the house opens.';
ALTER TABLE bookings ENABLE ROW LEVEL SECURITY;
