-- Reads `:leaves`. Returns the digest and the number of the events of each slice.
--
-- The leaves of a slice are hashed in groups by their first byte, so that at most one of 256 parts of a slice is in memory. The
-- sort that precedes it spills to disk.
SELECT
    slice,
    pg_catalog.sum(events)::bigint AS events,
    pg_catalog.sha256(pg_catalog.string_agg(
        pg_catalog.int8send(events) OPERATOR(pg_catalog.||) digest, '' ORDER BY first_byte
    )) AS digest
FROM (
    SELECT
        slice,
        first_byte,
        pg_catalog.count(*) AS events,
        pg_catalog.sha256(pg_catalog.string_agg(leaf, '' ORDER BY leaf)) AS digest
    FROM (SELECT slice, leaf, pg_catalog.get_byte(leaf, 0) AS first_byte FROM :leaves) AS placed
    GROUP BY slice, first_byte
) AS part
GROUP BY slice
ORDER BY slice
