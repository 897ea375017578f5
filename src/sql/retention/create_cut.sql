-- The state of a cut: one row, which every step locks.
CREATE TABLE mailglass_cut (
    only_one           boolean     NOT NULL DEFAULT true PRIMARY KEY CHECK (only_one),
    before             timestamptz NOT NULL,
    keeps_old          boolean     NOT NULL,
    kept_as            text        NOT NULL,
    batch              bigint      NOT NULL,
    phase              text        NOT NULL,
    -- The last id that the phase has read.
    position           uuid,
    -- The columns and statements of structure.sql, and how many of the second phase are executed.
    columns            text[]      NOT NULL,
    creating           text[]      NOT NULL,
    building           text[]      NOT NULL,
    swapping           text[]      NOT NULL,
    built              bigint      NOT NULL DEFAULT 0,
    -- Estimates of PostgreSQL, for the progress.
    deliveries         bigint      NOT NULL,
    events             bigint      NOT NULL,
    deliveries_checked bigint      NOT NULL DEFAULT 0,
    events_checked     bigint      NOT NULL DEFAULT 0,
    deliveries_left    bigint      NOT NULL DEFAULT 0,
    events_left        bigint      NOT NULL DEFAULT 0,
    events_kept        bigint      NOT NULL DEFAULT 0,
    links_left         bigint      NOT NULL DEFAULT 0,
    details_left       bigint      NOT NULL DEFAULT 0,
    began_at           timestamptz NOT NULL DEFAULT now()
)
