-- Domains: with a collation, a default and a check, over another domain, and over an array.
CREATE DOMAIN email AS text COLLATE "C" NOT NULL DEFAULT 'a@b' CHECK (VALUE ~ '^[^@|`]+@[^@]+$');
COMMENT ON DOMAIN email IS 'An address, a | pipe and a `backtick`.';
CREATE DOMAIN work_email AS email;
CREATE DOMAIN emails AS email[] CHECK (cardinality(VALUE) < 10);
CREATE TABLE people (address work_email, addresses emails);
