-- Partitions are listed with their table, not as tables.
CREATE TABLE log (at timestamptz NOT NULL, level integer, PRIMARY KEY (at, level)) PARTITION BY RANGE (at);
CREATE TABLE "log 2026" PARTITION OF log FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2027-01-01 00:00+00');
CREATE TABLE "log rest" PARTITION OF log DEFAULT;
