-- Reads `wanted`. Makes `held`: at most 100 held rows that are to be compared with their deliveries. It steps from row to row in
-- the index, and from the last due row of a tenant to the next tenant. A condition on the tenant within a step would make the
-- planner expect so few rows that it sorts all held rows in each step.
held AS (
    WITH RECURSIVE walk AS (
        SELECT
            coalesce(wanted.tenant_id, '') AS tenant_id,
            '-infinity'::pg_catalog.timestamptz AS available_at,
            '00000000-0000-0000-0000-000000000000'::pg_catalog.uuid AS delivery_id,
            false AS is_due,
            0::bigint AS due_rows
        FROM wanted
        UNION ALL
        SELECT
            next.tenant_id,
            CASE WHEN step.is_due THEN next.available_at ELSE 'infinity' END,
            next.delivery_id,
            step.is_due,
            walk.due_rows + step.is_due::integer
        FROM walk
        CROSS JOIN LATERAL (
            SELECT entry.tenant_id, entry.available_at, entry.delivery_id
            FROM mailglass_outbox AS entry
            WHERE entry.held_at IS NOT NULL
              AND (entry.tenant_id, entry.available_at, entry.delivery_id)
                  > (walk.tenant_id, walk.available_at, walk.delivery_id)
            ORDER BY entry.tenant_id, entry.available_at, entry.delivery_id
            LIMIT 1
        ) AS next
        CROSS JOIN LATERAL (SELECT next.available_at <= pg_catalog.statement_timestamp() AS is_due) AS step
        CROSS JOIN wanted
        WHERE walk.due_rows < 100
          AND (wanted.tenant_id IS NULL OR next.tenant_id = wanted.tenant_id)
    )
    SELECT tenant_id, available_at, delivery_id
    FROM walk
    WHERE is_due
)
