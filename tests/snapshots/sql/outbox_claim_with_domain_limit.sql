BEGIN;

-- a statement of outbox_claim_with_tenant_limit.sql

WITH wanted AS (
    SELECT
        $1 AS tenant_id,
        $2 AS seed,
        $3 AS max_lanes,
        $4 AS claims,
        $5 AS lease,
        $6 AS lease_id,
        $7 AS worker,
        $8 AS hold,
        $9 AS max_attempts,
        $10 AS suppress_always,
        $11 AS tenant_claims,
        $12 AS tenant_window,
        $13 AS domain_claims,
        $14 AS domain_window
    OFFSET 0
),
-- Reads `wanted`. Makes `lanes` (or `due_lanes`): the streams and tenants that have something due, each with a random number.
-- It jumps from tenant to tenant in the index (a loose index scan), so it costs the number of tenants that wait, whatever they
-- have queued. It begins at a random place and stops after `max_lanes` lanes, so each tenant has the same chance.
due_lanes AS (
    WITH RECURSIVE walk AS (
        SELECT
            streams.stream_rank,
            part,
            CASE part WHEN 1 THEN wanted.seed ELSE -2147483648 END AS hash,
            -- Before every tenant.
            '' AS tenant_id,
            CASE part WHEN 1 THEN 2147483648 ELSE wanted.seed END AS end_hash,
            false AS is_due,
            0::bigint AS due_lanes
        FROM wanted
        CROSS JOIN (VALUES (1::pg_catalog.int2), (2), (3)) AS streams (stream_rank)
        -- From the random place to the end, then from the beginning to that place.
        CROSS JOIN (VALUES (1), (2)) AS parts (part)
        WHERE wanted.tenant_id IS NULL
        UNION ALL
        SELECT
            walk.stream_rank,
            walk.part,
            next.hash,
            next.tenant_id,
            walk.end_hash,
            next.is_due,
            walk.due_lanes + next.is_due::integer
        FROM walk
        CROSS JOIN LATERAL (
            SELECT
                entry.tenant_hash AS hash,
                entry.tenant_id,
                entry.available_at <= pg_catalog.statement_timestamp() AS is_due
            FROM mailglass_outbox AS entry
            WHERE entry.held_at IS NULL
              AND entry.stream_rank = walk.stream_rank
              AND (entry.tenant_hash, entry.tenant_id) > (walk.hash, walk.tenant_id)
              AND entry.tenant_hash < walk.end_hash
            ORDER BY entry.stream_rank, entry.tenant_hash, entry.tenant_id, entry.available_at
            LIMIT 1
        ) AS next
        WHERE walk.due_lanes < (SELECT max_lanes FROM wanted)
    )
    SELECT stream_rank, hash, tenant_id, pg_catalog.random() AS lot, NULL::text AS recipient_domain, NULL::bigint AS allowance
    FROM (
        SELECT stream_rank, part, hash, tenant_id,
            pg_catalog.row_number() OVER (PARTITION BY stream_rank ORDER BY part, hash, tenant_id) AS place
        FROM walk
        WHERE is_due
    ) AS due
    WHERE place <= (SELECT max_lanes FROM wanted)
    UNION ALL
    SELECT streams.stream_rank, pg_catalog.hashtext(wanted.tenant_id), wanted.tenant_id, pg_catalog.random(), NULL, NULL
    FROM wanted
    CROSS JOIN (VALUES (1::pg_catalog.int2), (2), (3)) AS streams (stream_rank)
    WHERE wanted.tenant_id IS NOT NULL
),
-- Reads `wanted`. Makes `windows`: the windows of the limits that are given, and their ends.
windows AS (
    SELECT
        limits.is_of_domain,
        limits.seconds,
        limits.claims,
        pg_catalog.to_timestamp(
            (pg_catalog.floor(extract(epoch FROM pg_catalog.statement_timestamp()) / limits.seconds) + 1) * limits.seconds
        ) AS ends_at
    FROM wanted
    CROSS JOIN LATERAL (
        VALUES (false, tenant_window, tenant_claims), (true, domain_window, domain_claims)
    ) AS limits (is_of_domain, seconds, claims)
    WHERE limits.seconds IS NOT NULL
),
-- Reads `due_lanes` and `windows`. Makes `lanes` (or `tenant_lanes`): the lanes of tenants whose limit is not reached.
tenant_lanes AS (
    SELECT
        due_lanes.stream_rank,
        due_lanes.hash,
        due_lanes.tenant_id,
        due_lanes.lot,
        due_lanes.recipient_domain,
        windows.claims - coalesce(used.claims, 0) AS allowance
    FROM due_lanes
    LEFT JOIN windows ON NOT windows.is_of_domain
    LEFT JOIN LATERAL (
        SELECT used.claims
        FROM mailglass_outbox_usage AS used
        WHERE used.tenant_id = due_lanes.tenant_id
          AND used.recipient_domain = ''
          AND used.window_seconds = windows.seconds
          AND (used.window_ends_at = windows.ends_at) IS TRUE
        OFFSET 0
    ) AS used ON true
    WHERE windows.claims IS NULL OR windows.claims > coalesce(used.claims, 0)
),
-- Reads `wanted`, `tenant_lanes` and `windows`. Makes `lanes`: the recipient domains of each lane whose limit is not reached. It
-- jumps from domain to domain, from a random place, as lanes.sql does from tenant to tenant.
lanes AS (
    WITH RECURSIVE walk AS (
        SELECT
            tenant_lanes.stream_rank,
            tenant_lanes.tenant_id,
            tenant_lanes.allowance,
            part,
            CASE part WHEN 1 THEN place.domain ELSE '' END AS recipient_domain,
            CASE part WHEN 2 THEN place.domain END AS end_domain,
            NULL::bigint AS domain_allowance,
            0::bigint AS open_lanes
        FROM tenant_lanes
        CROSS JOIN LATERAL (
            SELECT pg_catalog.concat(
                pg_catalog.chr(97 + pg_catalog.floor(tenant_lanes.lot * 26)::integer),
                pg_catalog.chr(97 + pg_catalog.floor(pg_catalog.random() * 26)::integer)
            ) AS domain
            OFFSET 0
        ) AS place
        CROSS JOIN (VALUES (1), (2)) AS parts (part)
        UNION ALL
        SELECT
            walk.stream_rank,
            walk.tenant_id,
            walk.allowance,
            walk.part,
            next.recipient_domain,
            walk.end_domain,
            allowed.claims,
            walk.open_lanes + (allowed.claims > 0)::integer
        FROM walk
        CROSS JOIN LATERAL (
            SELECT entry.recipient_domain, entry.available_at
            FROM mailglass_outbox AS entry
            WHERE entry.held_at IS NULL
              AND entry.tenant_id = walk.tenant_id
              AND entry.stream_rank = walk.stream_rank
              AND entry.recipient_domain > walk.recipient_domain
            ORDER BY entry.tenant_id, entry.stream_rank, entry.recipient_domain, entry.available_at
            LIMIT 1
        ) AS next
        CROSS JOIN LATERAL (
            SELECT
                CASE
                    WHEN next.available_at > pg_catalog.statement_timestamp() THEN 0
                    ELSE windows.claims - coalesce(used.claims, 0)
                END AS claims
            FROM windows
            LEFT JOIN LATERAL (
                SELECT used.claims
                FROM mailglass_outbox_usage AS used
                WHERE used.tenant_id = walk.tenant_id
                  AND used.recipient_domain = next.recipient_domain
                  AND used.window_seconds = windows.seconds
                  AND (used.window_ends_at = windows.ends_at) IS TRUE
                OFFSET 0
            ) AS used ON true
            WHERE windows.is_of_domain
        ) AS allowed
        WHERE (walk.end_domain IS NULL OR next.recipient_domain < walk.end_domain)
          AND walk.open_lanes < (SELECT max_lanes FROM wanted)
    )
    SELECT
        stream_rank,
        0 AS hash,
        tenant_id,
        pg_catalog.random() AS lot,
        recipient_domain,
        least(allowance, domain_allowance) AS allowance
    FROM (
        SELECT walk.*, pg_catalog.row_number() OVER (PARTITION BY stream_rank, tenant_id ORDER BY part, recipient_domain) AS place
        FROM walk
        WHERE domain_allowance > 0
    ) AS open
    WHERE place <= (SELECT max_lanes FROM wanted)
),
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
),
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
candidates AS (
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
                  AND entry.tenant_id = turns.tenant_id AND entry.recipient_domain = turns.recipient_domain
                  AND entry.available_at <= pg_catalog.statement_timestamp()
                -- All columns of the index: below a policy, the planner does not know that the first ones are constant.
                ORDER BY entry.tenant_id, entry.stream_rank, entry.recipient_domain, entry.available_at
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
),
-- Reads `candidates` and `windows`. Makes `picked`: those within the limits. Several lanes share the limit of a tenant, or of a domain.
picked AS (
    SELECT candidates.*
    FROM (
        SELECT
            candidates,
            held_at,
            tenant_id,
            recipient_domain,
            pg_catalog.row_number() OVER (PARTITION BY held_at IS NULL, tenant_id ORDER BY stream_rank, available_at) AS place_in_tenant,
            pg_catalog.row_number() OVER (
                PARTITION BY held_at IS NULL, tenant_id, recipient_domain ORDER BY stream_rank, available_at
            ) AS place_in_domain
        FROM (SELECT DISTINCT ON (delivery_id) * FROM candidates ORDER BY delivery_id) AS candidates
    ) AS placed
    CROSS JOIN LATERAL (SELECT (placed.candidates).*) AS candidates
    WHERE placed.held_at IS NOT NULL
       OR NOT EXISTS (
           SELECT
           FROM windows
           LEFT JOIN LATERAL (
               SELECT used.claims
               FROM mailglass_outbox_usage AS used
               WHERE used.tenant_id = placed.tenant_id
                 AND used.recipient_domain = CASE WHEN windows.is_of_domain THEN placed.recipient_domain ELSE '' END
                 AND used.window_seconds = windows.seconds
                 AND (used.window_ends_at = windows.ends_at) IS TRUE
               OFFSET 0
           ) AS used ON true
           WHERE CASE WHEN windows.is_of_domain THEN placed.place_in_domain ELSE placed.place_in_tenant END
               > windows.claims - coalesce(used.claims, 0)
       )
),
-- Reads `wanted` and `picked`. Makes `examined`: the rows with their deliveries, and what becomes of each.
-- A row is over if its delivery was deleted, or has left the status queued: it was sent, failed or suppressed by other means. After
-- an attempt, any event about the message proves that the provider has it, also one that keeps the status, such as `deferred`.
examined AS MATERIALIZED (
    SELECT
        picked.delivery_id,
        picked.last_attempt,
        picked.attempts,
        picked.held_at,
        delivery.found,
        CASE
            WHEN delivery.found IS NULL OR delivery.status <> 'queued' OR proof.event_id IS NOT NULL THEN 'over'
            WHEN picked.held_at IS NOT NULL THEN 'held'
            WHEN picked.last_attempt IN ('begun', 'unknown')
                AND (wanted.hold OR picked.attempts >= wanted.max_attempts) THEN 'held'
            ELSE 'leased'
        END AS outcome,
        pg_catalog.statement_timestamp() AS examined_at,
        pg_catalog.statement_timestamp() + pg_catalog.make_interval(secs => wanted.lease) AS leased_until
    FROM picked
    CROSS JOIN wanted
    LEFT JOIN LATERAL (
        SELECT delivery AS found, delivery.status::text AS status, delivery.inserted_at
        FROM mailglass_deliveries AS delivery
        WHERE delivery.id = picked.delivery_id
          AND (delivery.tenant_id = picked.tenant_id) IS TRUE
        OFFSET 0
    ) AS delivery ON true
    LEFT JOIN LATERAL (
        SELECT event.id AS event_id
        FROM mailglass_events AS event
        WHERE picked.last_attempt <> 'none'
          AND event.delivery_id = picked.delivery_id
          AND (
              event.tenant_id = picked.tenant_id
              AND event.inserted_at > delivery.inserted_at
              AND event.type::text NOT IN ('subscribed', 'unsubscribed')
          ) IS TRUE
        LIMIT 1
    ) AS proof ON true
),
-- Reads `examined`. Makes `settled`: deletes the rows that are over.
-- Twice LIMIT NULL, which removes no row: the planner expects a tenth of the rows of each, and so looks up the few rows by their ids,
-- whatever it knows about the table. See write_projections.sql.
few AS (
    SELECT *
    FROM (SELECT * FROM examined LIMIT (SELECT NULL::bigint)) AS examined
    LIMIT (SELECT NULL::bigint)
),
settled AS (
    DELETE FROM mailglass_outbox AS entry
    USING few AS examined
    WHERE entry.delivery_id = examined.delivery_id
      AND examined.outcome = 'over'
),
-- Reads `wanted` and `few`. Makes `leased`: leases rows, or holds them.
-- A held row is compared with its delivery again after ten seconds.
leased AS (
    UPDATE mailglass_outbox AS entry
    SET
        available_at = CASE
            WHEN examined.outcome = 'leased' THEN examined.leased_until
            ELSE examined.examined_at + interval '10 seconds'
        END,
        lease_id = CASE WHEN examined.outcome = 'leased' THEN wanted.lease_id END,
        worker = CASE WHEN examined.outcome = 'leased' THEN wanted.worker END,
        held_at = CASE
            WHEN examined.outcome = 'leased' THEN NULL
            ELSE coalesce(examined.held_at, examined.examined_at)
        END,
        last_attempt = CASE WHEN examined.last_attempt = 'begun' THEN 'unknown' ELSE examined.last_attempt END
    FROM few AS examined
    CROSS JOIN wanted
    WHERE entry.delivery_id = examined.delivery_id
      AND examined.outcome <> 'over'
    RETURNING entry.delivery_id
),
-- Reads `examined`, `picked` and `windows`. Makes `counted`: adds the leased rows to the windows.
counted AS (
    INSERT INTO mailglass_outbox_usage AS used (tenant_id, recipient_domain, window_seconds, window_ends_at, claims)
    SELECT
        picked.tenant_id,
        CASE WHEN windows.is_of_domain THEN picked.recipient_domain ELSE '' END AS recipient_domain,
        windows.seconds,
        windows.ends_at,
        pg_catalog.count(*)
    FROM picked
    JOIN examined ON examined.delivery_id = picked.delivery_id
    CROSS JOIN windows
    WHERE examined.outcome = 'leased'
    GROUP BY 1, 2, 3, 4
    ON CONFLICT (tenant_id, recipient_domain, window_seconds) DO UPDATE
    SET
        window_ends_at = excluded.window_ends_at,
        claims = CASE WHEN used.window_ends_at = excluded.window_ends_at THEN used.claims ELSE 0 END + excluded.claims
),
-- Reads `wanted` and `examined`. Makes `recipients`: the recipients of the leased deliveries, for suppressed.sql.
recipients AS (
    SELECT
        examined.delivery_id AS row_id,
        (examined.found).tenant_id,
        (examined.found).stream,
        (examined.found).recipient,
        wanted.suppress_always
    FROM examined
    CROSS JOIN wanted
    WHERE examined.outcome = 'leased'
),
-- Reads `recipients` (row_id, tenant_id, stream, recipient, suppress_always). Makes `subjects`: what a suppression may name of
-- each of them, which is the address and its domain. A row whose suppress_always is NULL is not checked.
subjects AS (
    SELECT
        recipients.row_id,
        recipients.tenant_id,
        recipients.stream::text AS stream,
        recipients.suppress_always,
        named.is_domain,
        named.address
    FROM recipients
    CROSS JOIN LATERAL (
        SELECT false AS is_domain, recipients.recipient AS address
        UNION ALL
        SELECT true, pg_catalog.split_part(recipients.recipient, '@', -1)
    ) AS named
    WHERE recipients.suppress_always IS NOT NULL
),
-- Reads `subjects` (tenant_id, address, …). Makes `digested`: the same rows, each with the digest by which suppressions are
-- compared. This is the only place that computes it. The length separates the tenant from the address, whatever characters they have.
-- OFFSET 0: the digests are computed once for each row, and a policy of row-level security can't keep them out of an index condition.
digested AS (
    SELECT
        subjects.*,
        pg_catalog.sha256(
            pg_catalog.convert_to(
                pg_catalog.concat(
                    pg_catalog.octet_length(pg_catalog.convert_to(tenant_id, 'UTF8')), ':',
                    tenant_id, ':',
                    pg_catalog.lower(address COLLATE "C")
                ),
                'UTF8'
            )
        ) AS digest
    FROM subjects
    OFFSET 0
),
-- Reads `digested`, made of the `subjects` of recipients. Makes `suppressed`: the rows whose recipient is suppressed now, each with
-- the strongest suppression. A permanent one is stronger than an expiring one; then the reasons have an order.
-- OFFSET 0 keeps the planner to the index by digest, as in timeline.sql.
suppressed AS (
    SELECT DISTINCT ON (digested.row_id)
        digested.row_id,
        found.id,
        found.scope,
        found.reason,
        found.until
    FROM digested
    CROSS JOIN LATERAL (
        SELECT
            id, scope, stream, reason, since, until,
            reason::text AS reason_label
        FROM mailglass_suppressions AS suppression
        WHERE suppression.tenant_id = digested.tenant_id
          AND suppression.digest = digested.digest
        OFFSET 0
    ) AS found
    WHERE found.since <= pg_catalog.statement_timestamp()
      AND (found.until IS NULL OR found.until > pg_catalog.statement_timestamp())
      AND (found.scope::text = 'domain') = digested.is_domain
      AND (found.stream IS NULL OR found.stream::text = digested.stream)
      -- A transactional message is held back only if the address does not work.
      AND (
          digested.suppress_always
          OR digested.stream <> 'transactional'
          OR found.reason_label IN ('hard_bounce', 'invalid_recipient')
      )
    ORDER BY
        digested.row_id,
        found.until IS NOT NULL,
        pg_catalog.array_position(
            ARRAY['hard_bounce', 'invalid_recipient', 'complaint', 'unsubscribe', 'manual', 'policy', 'soft_bounce'],
            found.reason_label
        ),
        found.id
)
-- Returns the claimed deliveries. A pseudonym of an erased person gets no mail.
SELECT
    found.id, found.tenant_id, found.mailable, found.stream, found.recipient, found.recipient_domain, found.provider,
    found.provider_message_id, found.last_event_type, found.last_event_at, found.terminal, found.dispatched_at,
    found.delivered_at, found.bounced_at, found.complained_at, found.suppressed_at, found.metadata, found.lock_version,
    found.idempotency_key, found.status, found.last_error, found.inserted_at, found.updated_at,
    examined.attempts,
    examined.last_attempt IN ('begun', 'unknown') AS is_unknown,
    suppressed.reason AS suppression_reason,
    found.recipient LIKE '%@erased.invalid' AS is_erased
FROM leased
JOIN examined ON examined.delivery_id = leased.delivery_id
CROSS JOIN LATERAL (SELECT (examined.found).*) AS found
LEFT JOIN suppressed ON suppressed.row_id = leased.delivery_id
WHERE examined.outcome = 'leased'
ORDER BY found.stream, found.inserted_at, found.id;

COMMIT;
