-- Counts the copied events.
UPDATE mailglass_cut
SET
    events_kept = events_kept + :copied,
    phase = :phase
