BEGIN;

WITH subjects AS (
    SELECT
        pg_catalog.unnest(id) AS id,
        pg_catalog.unnest(tenant_id) AS tenant_id,
        pg_catalog.unnest(scope) AS scope,
        pg_catalog.unnest(stream) AS stream,
        pg_catalog.unnest(address) AS address,
        pg_catalog.unnest(keeps_address) AS keeps_address,
        pg_catalog.unnest(reason) AS reason,
        pg_catalog.unnest(source_event_id) AS source_event_id,
        pg_catalog.unnest(since) AS since,
        pg_catalog.unnest(begins_now) AS begins_now,
        pg_catalog.unnest(until) AS until
    FROM (
        SELECT
            $1 AS id,
            $2 AS tenant_id,
            $3 AS scope,
            $4 AS stream,
            $5 AS address,
            $6 AS keeps_address,
            $7 AS reason,
            $8 AS source_event_id,
            $9 AS since,
            $10 AS begins_now,
            $11 AS until
        OFFSET 0
    ) AS batch
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
-- Reads `digested` (the columns of a new suppression). Makes `written`: inserts the suppressions, and extends those that end earlier
-- or begin later than the new ones. An expired suppression is replaced: the row gets the id of the new one.
-- Every row that is in the way is locked, also if it stays as it is. A later statement reads it.
written AS (
    INSERT INTO mailglass_suppressions AS suppression (
        id, tenant_id, scope, stream, digest, address, reason, source_event_id, since, until
    )
    SELECT
        id,
        tenant_id,
        scope,
        stream,
        digest,
        CASE WHEN keeps_address THEN address END,
        reason,
        source_event_id,
        -- Without a time, it begins now.
        least(since, CASE WHEN begins_now THEN pg_catalog.now() END),
        until
    FROM digested
    -- All batches insert in the same order, so that batches that wait for each other's rows never deadlock.
    ORDER BY tenant_id, digest, scope, stream, reason
    ON CONFLICT (tenant_id, digest, scope, stream, reason) DO UPDATE SET
        id = CASE
            WHEN suppression.until <= pg_catalog.statement_timestamp() THEN excluded.id
            ELSE suppression.id
        END,
        address = CASE
            WHEN suppression.until <= pg_catalog.statement_timestamp() THEN excluded.address
            ELSE coalesce(excluded.address, suppression.address)
        END,
        source_event_id = CASE
            WHEN suppression.until <= pg_catalog.statement_timestamp() THEN excluded.source_event_id
            ELSE coalesce(excluded.source_event_id, suppression.source_event_id)
        END,
        since = CASE
            WHEN suppression.until <= pg_catalog.statement_timestamp() THEN excluded.since
            ELSE least(excluded.since, suppression.since)
        END,
        -- NULL is permanent, and greatest() ignores NULL.
        until = CASE
            WHEN suppression.until IS NOT NULL AND excluded.until IS NOT NULL
                THEN greatest(excluded.until, suppression.until)
        END
    WHERE (suppression.until IS NOT NULL AND (excluded.until IS NULL OR excluded.until > suppression.until))
       OR (
           suppression.since > excluded.since
           AND (suppression.until IS NULL OR suppression.until > pg_catalog.statement_timestamp())
       )
    RETURNING *
)
-- Reads `written`. Returns the suppressions that were inserted or extended.
SELECT
    written.id, written.tenant_id, written.scope, written.stream, written.digest, written.address, written.reason,
    written.source_event_id, written.since, written.until
FROM written;

COMMIT;
