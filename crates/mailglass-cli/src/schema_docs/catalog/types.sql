-- The enum types and domains of the columns of these relations, including those behind arrays and other domains.
WITH RECURSIVE used AS (
    SELECT atttypid AS oid
    FROM pg_attribute
    WHERE attrelid = ANY ($1) AND attnum > 0 AND NOT attisdropped
    UNION
    SELECT behind
    FROM used
    JOIN pg_type AS typ ON typ.oid = used.oid
    CROSS JOIN unnest(ARRAY[typelem, typbasetype]) AS behind
    WHERE behind <> 0
)
SELECT
    typtype = 'e' AS is_enum,
    jsonb_build_object(
        'schema', CASE WHEN NOT pg_type_is_visible(typ.oid) THEN nspname END,
        'name', typname,
        'comment', obj_description(typ.oid, 'pg_type')
    ) || CASE typtype
        WHEN 'e' THEN jsonb_build_object(
            'labels', (
                SELECT coalesce(jsonb_agg(jsonb_build_object('label', enumlabel) ORDER BY enumsortorder), '[]')
                FROM pg_enum
                WHERE enumtypid = typ.oid
            )
        )
        ELSE jsonb_build_object(
            'base', format_type(typbasetype, typtypmod),
            'not_null', typnotnull,
            'default', typdefault,
            'checks', (
                SELECT coalesce(
                    jsonb_agg(pg_get_constraintdef(pg_constraint.oid, true) ORDER BY conname COLLATE "C"),
                    '[]'
                )
                FROM pg_constraint
                WHERE contypid = typ.oid AND contype = 'c'
            )
        )
    END AS description
FROM used
JOIN pg_type AS typ ON typ.oid = used.oid AND typtype IN ('e', 'd')
JOIN pg_namespace AS namespace ON namespace.oid = typnamespace
WHERE nspname <> 'information_schema' AND nspname NOT LIKE 'pg\_%'
ORDER BY
    CASE WHEN NOT pg_type_is_visible(typ.oid) THEN nspname END COLLATE "C" NULLS FIRST,
    typname COLLATE "C"
