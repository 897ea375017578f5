-- Writes the state of a new cut.
INSERT INTO mailglass_cut (
    before, keeps_old, kept_as, batch, phase, columns, creating, building, swapping, deliveries, events
)
SELECT
    :before,
    :keeps_old,
    :kept_as,
    :batch,
    'deliveries',
    :columns,
    :creating,
    :building,
    :swapping,
    greatest(deliveries.reltuples, 0)::bigint,
    greatest(events.reltuples, 0)::bigint
FROM pg_catalog.pg_class AS deliveries
CROSS JOIN pg_catalog.pg_class AS events
WHERE deliveries.oid = pg_catalog.to_regclass('mailglass_deliveries')
  AND events.oid = pg_catalog.to_regclass('mailglass_events')
