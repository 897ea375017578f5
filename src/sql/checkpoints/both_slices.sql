-- Reads `leaves` and `all_leaves`. Returns the slices of both, from one snapshot: nobody can change an event in between.
SELECT true AS remains, remaining.*
FROM (
:remaining
) AS remaining
UNION ALL
SELECT false, everything.*
FROM (
:everything
) AS everything
