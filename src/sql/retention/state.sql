-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM :schema.mailglass_cut
