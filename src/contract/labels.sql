-- The labels of each of these enum types, in order; NULL for one that this connection's search_path doesn't find.
SELECT (
    SELECT array_agg(enumlabel::text ORDER BY enumsortorder)
    FROM pg_enum
    WHERE enumtypid = to_regtype(quote_ident(name))
) AS labels
FROM unnest($1::text[]) WITH ORDINALITY AS set (name, position)
ORDER BY position
