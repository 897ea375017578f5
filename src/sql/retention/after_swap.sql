-- Records that the old ledger is out of use.
UPDATE mailglass_cut
SET
    phase = 'details',
    events_kept = events_kept + :copied,
    deliveries_left = :deliveries,
    links_left = :links,
    events_left = :events
