-- Counts an executed statement; the last one begins the next phase.
UPDATE mailglass_cut
SET
    built = built + 1,
    phase = CASE WHEN built + 1 >= pg_catalog.cardinality(building) THEN 'arrivals' ELSE phase END
