-- One row per relation, in the shape of the model. A name has its schema only if `search_path` doesn't find the object.
WITH relation AS (
    SELECT
        class.*,
        nspname,
        jsonb_build_object('schema', CASE WHEN NOT pg_table_is_visible(class.oid) THEN nspname END, 'name', relname) AS name
    FROM pg_class AS class
    JOIN pg_namespace AS namespace ON namespace.oid = relnamespace
    WHERE class.oid = ANY ($1)
)
SELECT relation.name || jsonb_build_object(
    'kind', CASE relkind
        WHEN 'r' THEN 'table'
        WHEN 'p' THEN 'partitioned_table'
        WHEN 'f' THEN 'foreign_table'
        WHEN 'v' THEN 'view'
        ELSE 'materialized_view'
    END,
    'comment', obj_description(relation.oid, 'pg_class'),
    'row_security', relrowsecurity,
    'options', to_jsonb(coalesce(reloptions, '{}')),
    'partition_key', pg_get_partkeydef(relation.oid),
    'partitions', (
        SELECT coalesce(
            jsonb_agg(
                jsonb_build_object('name', partition.relname, 'bound', pg_get_expr(partition.relpartbound, partition.oid))
                ORDER BY partition.relname COLLATE "C"
            ),
            '[]'
        )
        FROM pg_inherits
        JOIN pg_class AS partition ON partition.oid = inhrelid AND partition.relispartition
        WHERE inhparent = relation.oid
    ),
    'definition', CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(relation.oid, true) END,
    'columns', (
        SELECT coalesce(
            jsonb_agg(
                jsonb_build_object(
                    'name', attname,
                    'type', format_type(atttypid, atttypmod),
                    -- For an array, the type of its elements.
                    'type_name', (
                        SELECT jsonb_build_object(
                            'schema', CASE WHEN NOT pg_type_is_visible(element.oid) THEN nspname END,
                            'name', element.typname
                        )
                        FROM pg_type AS element
                        JOIN pg_namespace AS namespace ON namespace.oid = element.typnamespace
                        WHERE
                            element.oid = CASE WHEN typ.typtype = 'b' AND typ.typcategory = 'A' THEN typ.typelem ELSE typ.oid END
                            AND element.typtype IN ('e', 'd')
                    ),
                    'nullable', NOT attnotnull,
                    'default', CASE WHEN attgenerated = '' THEN pg_get_expr(adbin, adrelid) END,
                    'generated', CASE WHEN attgenerated <> '' THEN pg_get_expr(adbin, adrelid) END,
                    'identity', CASE attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by_default' END,
                    'comment', col_description(attrelid, attnum)
                )
                ORDER BY attnum
            ),
            '[]'
        )
        FROM pg_attribute
        JOIN pg_type AS typ ON typ.oid = atttypid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE attrelid = relation.oid AND attnum > 0 AND NOT attisdropped
    ),
    -- PostgreSQL 18 also lists NOT NULL, which is part of its column here.
    'constraints', (
        SELECT coalesce(
            jsonb_agg(
                jsonb_build_object(
                    'name', conname,
                    'kind', CASE contype
                        WHEN 'p' THEN 'primary_key'
                        WHEN 'u' THEN 'unique'
                        WHEN 'f' THEN 'foreign_key'
                        WHEN 'c' THEN 'check'
                        ELSE 'exclusion'
                    END,
                    'columns', (
                        SELECT coalesce(jsonb_agg(attname ORDER BY position), '[]')
                        FROM unnest(conkey) WITH ORDINALITY AS key (attnum, position)
                        JOIN pg_attribute AS attribute ON attrelid = conrelid AND attribute.attnum = key.attnum
                    ),
                    'definition', pg_get_constraintdef(pg_constraint.oid, true),
                    'comment', obj_description(pg_constraint.oid, 'pg_constraint')
                )
                ORDER BY strpos('pufcx', contype::text), conname COLLATE "C"
            ),
            '[]'
        )
        FROM pg_constraint
        WHERE conrelid = relation.oid AND contype IN ('p', 'u', 'f', 'c', 'x') AND conparentid = 0
    ),
    'references', (
        SELECT coalesce(
            jsonb_agg(
                jsonb_build_object(
                    'constraint', conname,
                    'columns', (
                        SELECT jsonb_agg(attname ORDER BY position)
                        FROM unnest(conkey) WITH ORDINALITY AS key (attnum, position)
                        JOIN pg_attribute AS attribute ON attrelid = conrelid AND attribute.attnum = key.attnum
                    ),
                    'to', jsonb_build_object(
                        'schema', CASE WHEN NOT pg_table_is_visible(confrelid) THEN to_namespace.nspname END,
                        'name', to_class.relname
                    ),
                    'to_columns', (
                        SELECT jsonb_agg(attname ORDER BY position)
                        FROM unnest(confkey) WITH ORDINALITY AS key (attnum, position)
                        JOIN pg_attribute AS attribute ON attrelid = confrelid AND attribute.attnum = key.attnum
                    ),
                    'unique', EXISTS (
                        SELECT FROM pg_index
                        WHERE
                            indrelid = conrelid
                            AND indisunique
                            AND indpred IS NULL
                            AND (indkey::smallint[])[:indnkeyatts - 1] <@ conkey
                            AND NOT 0 = ANY ((indkey::smallint[])[:indnkeyatts - 1])
                    ),
                    'optional', EXISTS (
                        SELECT FROM pg_attribute
                        WHERE attrelid = conrelid AND attnum = ANY (conkey) AND NOT attnotnull
                    ),
                    'on_delete', actions.name_of -> confdeltype::text,
                    'on_update', actions.name_of -> confupdtype::text
                )
                ORDER BY conname COLLATE "C"
            ),
            '[]'
        )
        FROM pg_constraint
        JOIN pg_class AS to_class ON to_class.oid = confrelid
        JOIN pg_namespace AS to_namespace ON to_namespace.oid = to_class.relnamespace
        CROSS JOIN (
            SELECT '{"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}'::jsonb AS name_of
        ) AS actions
        WHERE conrelid = relation.oid AND contype = 'f' AND conparentid = 0
    ),
    'indexes', (
        SELECT coalesce(
            jsonb_agg(
                jsonb_build_object(
                    'name', index.relname,
                    'unique', indisunique,
                    'nulls_not_distinct', indnullsnotdistinct,
                    'method', amname,
                    'keys', (
                        SELECT jsonb_agg(
                            jsonb_build_object(
                                'expression', pg_get_indexdef(indexrelid, position, true),
                                'column', attname,
                                'descending', indoption[position - 1] & 1 <> 0,
                                'nulls_first', indoption[position - 1] & 2 <> 0
                            )
                            ORDER BY position
                        )
                        FROM generate_series(1, indnkeyatts::integer) AS position
                        LEFT JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[position - 1] AND attnum > 0
                    ),
                    'include', (
                        SELECT coalesce(jsonb_agg(attname ORDER BY position), '[]')
                        FROM generate_series(indnkeyatts + 1, indnatts::integer) AS position
                        JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[position - 1]
                    ),
                    'predicate', pg_get_expr(indpred, indrelid, true),
                    'keeps_constraint', EXISTS (
                        SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x')
                    ),
                    -- Without CREATE INDEX and the names of index and table, which may contain any text.
                    'definition', substr(
                        pg_get_indexdef(indexrelid),
                        length(
                            concat_ws(
                                ' ',
                                'CREATE',
                                CASE WHEN indisunique THEN 'UNIQUE' END,
                                'INDEX',
                                quote_ident(index.relname),
                                'ON',
                                CASE WHEN index.relkind = 'I' THEN 'ONLY' END,
                                quote_ident(relation.nspname) || '.' || quote_ident(relation.relname),
                                'USING'
                            )
                        ) + 2
                    ),
                    'valid', indisvalid,
                    'comment', obj_description(indexrelid, 'pg_class')
                )
                ORDER BY index.relname COLLATE "C"
            ),
            '[]'
        )
        FROM pg_index
        JOIN pg_class AS index ON index.oid = indexrelid
        JOIN pg_am ON pg_am.oid = index.relam
        WHERE indrelid = relation.oid
    ),
    'triggers', (
        SELECT coalesce(
            jsonb_agg(
                jsonb_build_object(
                    'name', tgname,
                    'timing', CASE tgtype::integer & 66 WHEN 2 THEN 'BEFORE' WHEN 64 THEN 'INSTEAD OF' ELSE 'AFTER' END,
                    'level', CASE tgtype::integer & 1 WHEN 1 THEN 'ROW' ELSE 'STATEMENT' END,
                    'events', to_jsonb(
                        array_remove(
                            ARRAY[
                                CASE WHEN tgtype::integer & 4 <> 0 THEN 'INSERT' END,
                                CASE WHEN tgtype::integer & 16 <> 0 THEN 'UPDATE' END,
                                CASE WHEN tgtype::integer & 8 <> 0 THEN 'DELETE' END,
                                CASE WHEN tgtype::integer & 32 <> 0 THEN 'TRUNCATE' END
                            ],
                            NULL
                        )
                    ),
                    'enabled', CASE tgenabled
                        WHEN 'A' THEN 'always' WHEN 'R' THEN 'replica' WHEN 'D' THEN 'disabled' ELSE 'origin'
                    END,
                    'function', jsonb_build_object(
                        'schema', CASE WHEN NOT pg_function_is_visible(tgfoid) THEN function_namespace.nspname END,
                        'name', proname
                    ),
                    'definition', pg_get_triggerdef(pg_trigger.oid, true),
                    'comment', obj_description(pg_trigger.oid, 'pg_trigger')
                )
                ORDER BY tgname COLLATE "C"
            ),
            '[]'
        )
        FROM pg_trigger
        JOIN pg_proc ON pg_proc.oid = tgfoid
        JOIN pg_namespace AS function_namespace ON function_namespace.oid = pronamespace
        WHERE tgrelid = relation.oid AND NOT tgisinternal
    )
) AS description
FROM relation
-- Names without a schema first. Sorted by bytes, so that the order doesn't depend on the locale.
ORDER BY
    CASE WHEN NOT pg_table_is_visible(relation.oid) THEN nspname END COLLATE "C" NULLS FIRST,
    relname COLLATE "C"
