-- The labels of every enum type in $1, in order; NULL for NULL and for a type that is not an enum.
SELECT (
    SELECT pg_catalog.array_agg(enumlabel::text ORDER BY enumsortorder)
    FROM pg_enum
    WHERE enumtypid = type
) AS labels
FROM pg_catalog.unnest($1) WITH ORDINALITY AS set (type, position)
ORDER BY position
