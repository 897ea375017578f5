-- The functions that these relations call from triggers, defaults, generated columns, constraints, indexes and views, except
-- functions of extensions.
WITH caller AS (
    SELECT 'pg_trigger'::regclass AS classid, pg_trigger.oid FROM pg_trigger WHERE tgrelid = ANY ($1) AND NOT tgisinternal
    UNION ALL
    SELECT 'pg_attrdef'::regclass, pg_attrdef.oid FROM pg_attrdef WHERE adrelid = ANY ($1)
    UNION ALL
    SELECT 'pg_constraint'::regclass, pg_constraint.oid FROM pg_constraint WHERE conrelid = ANY ($1)
    UNION ALL
    SELECT 'pg_class'::regclass, indexrelid FROM pg_index WHERE indrelid = ANY ($1)
    UNION ALL
    SELECT 'pg_rewrite'::regclass, pg_rewrite.oid FROM pg_rewrite WHERE ev_class = ANY ($1)
)
SELECT jsonb_build_object(
    'schema', CASE WHEN NOT pg_function_is_visible(proc.oid) THEN nspname END,
    'name', proname,
    'arguments', pg_get_function_arguments(proc.oid),
    'returns', pg_get_function_result(proc.oid),
    'language', lanname,
    'security_definer', prosecdef,
    'settings', to_jsonb(coalesce(proconfig, '{}')),
    'source', coalesce(pg_get_function_sqlbody(proc.oid), prosrc),
    'comment', obj_description(proc.oid, 'pg_proc')
) AS description
FROM pg_proc AS proc
JOIN pg_namespace AS namespace ON namespace.oid = pronamespace
JOIN pg_language ON pg_language.oid = prolang
WHERE
    EXISTS (
        SELECT FROM caller
        JOIN pg_depend ON pg_depend.classid = caller.classid AND objid = caller.oid
        WHERE refclassid = 'pg_proc'::regclass AND refobjid = proc.oid
    )
    AND nspname <> 'information_schema'
    AND nspname NOT LIKE 'pg\_%'
    AND NOT EXISTS (
        SELECT FROM pg_depend
        WHERE classid = 'pg_proc'::regclass AND objid = proc.oid AND deptype = 'e'
    )
ORDER BY
    CASE WHEN NOT pg_function_is_visible(proc.oid) THEN nspname END COLLATE "C" NULLS FIRST,
    proname COLLATE "C",
    pg_get_function_arguments(proc.oid) COLLATE "C"
