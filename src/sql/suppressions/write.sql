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
