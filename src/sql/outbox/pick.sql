-- Reads `wanted`, `lanes` and `held`. Makes `picked` (or `candidates`): locks the rows that are claimed, and held rows that are to
-- be compared with their deliveries.
-- Each lane of a stream gets an equal share in its first turn, and what is left in its second one. The lateral join runs only until
-- there are enough rows, so no other row is locked.
turns AS (
    SELECT
        stream_rank,
        hash,
        tenant_id,
        recipient_domain,
        turn,
        round,
        lot,
        least(CASE turn WHEN 1 THEN share ELSE claims END, allowance) AS take,
        CASE turn WHEN 1 THEN 0 ELSE share END AS skip
    FROM (
        SELECT
            lanes.*,
            wanted.claims,
            -- The domains of a tenant take turns, so that a tenant with many domains gets no more than others.
            pg_catalog.row_number() OVER (PARTITION BY lanes.stream_rank, lanes.tenant_id ORDER BY lanes.lot) AS round,
            -- Rounded up.
            (wanted.claims + pg_catalog.count(*) OVER (PARTITION BY lanes.stream_rank) - 1)
                / pg_catalog.count(*) OVER (PARTITION BY lanes.stream_rank) AS share
        FROM lanes
        CROSS JOIN wanted
    ) AS lanes
    CROSS JOIN (VALUES (1), (2)) AS turns (turn)
),
:picked AS (
    (
        SELECT entry.*
        FROM (SELECT * FROM turns ORDER BY stream_rank, turn, round, lot, tenant_id) AS turns
        CROSS JOIN LATERAL (
            SELECT *
            FROM (
                SELECT *
                FROM mailglass_outbox AS entry
                WHERE entry.held_at IS NULL
                  AND entry.stream_rank = turns.stream_rank
                  AND :lane
                  AND entry.available_at <= pg_catalog.statement_timestamp()
                -- All columns of the index: below a policy, the planner does not know that the first ones are constant.
                ORDER BY :lane_order
                -- Twice the largest claim. For a limit that is not constant, the planner expects a tenth of the lane, and sorts all of
                -- it. Rows are locked one by one, as the limit below takes them.
                LIMIT 200
                -- Skip rows that another claim has locked.
                FOR UPDATE SKIP LOCKED
            ) AS entry
            LIMIT turns.take
            OFFSET turns.skip
        ) AS entry
        LIMIT (SELECT claims FROM wanted)
    )
    UNION ALL
    SELECT entry.*
    FROM held
    CROSS JOIN LATERAL (
        SELECT *
        FROM mailglass_outbox AS entry
        WHERE entry.delivery_id = held.delivery_id
          AND entry.held_at IS NOT NULL
          AND entry.available_at = held.available_at
        FOR UPDATE SKIP LOCKED
    ) AS entry
)
