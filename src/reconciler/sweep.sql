-- One sweep: takes what is pending, links what has its delivery by now, projects it, and writes down what came of each.
-- $1 tenant or NULL, $2 limit, $3 grace in seconds, $4 age limit in seconds, $5 the only events to look at or NULL.
WITH wanted AS (
    SELECT *
    FROM mailglass_event_links
    WHERE linked_at IS NULL
      AND expired_at IS NULL
      AND waiting_reason <> 'unread'
      AND ($1 IS NULL OR tenant_id = $1)
      AND ($5 IS NULL OR event_id = ANY ($5))
      AND inserted_at <= pg_catalog.now() - pg_catalog.make_interval(secs => $3)
    ORDER BY checked_at
    LIMIT $2
    -- Skip rows that another sweep has locked.
    FOR UPDATE SKIP LOCKED
),
:resolve,
outcomes AS (
    SELECT
        event_id,
        found_delivery_id AS delivery_id,
        CASE
            WHEN found_delivery_id IS NOT NULL THEN waiting_reason
            WHEN ambiguous THEN 'ambiguous'
            WHEN waiting_reason = 'malformed' THEN 'malformed'
            ELSE 'no_delivery'
        END AS waiting_reason,
        found_delivery_id IS NULL AND inserted_at <= pg_catalog.now() - pg_catalog.make_interval(secs => $4) AS expired
    FROM resolved
),
settled AS (
    UPDATE mailglass_event_links AS link
    SET
        delivery_id = outcomes.delivery_id,
        waiting_reason = outcomes.waiting_reason,
        checked_at = pg_catalog.clock_timestamp(),
        linked_at = CASE WHEN outcomes.delivery_id IS NOT NULL THEN pg_catalog.now() END,
        expired_at = CASE WHEN outcomes.expired THEN pg_catalog.now() END
    FROM outcomes
    WHERE link.event_id = outcomes.event_id
),
facts AS (
    SELECT outcomes.delivery_id, event.type, event.occurred_at
    FROM outcomes
    JOIN mailglass_events AS event ON event.id = outcomes.event_id
    WHERE outcomes.delivery_id IS NOT NULL
),
:fold,
:join_and_write
SELECT
    pg_catalog.count(*) FILTER (WHERE delivery_id IS NOT NULL) AS linked,
    pg_catalog.count(*) FILTER (WHERE delivery_id IS NULL AND NOT expired AND waiting_reason <> 'ambiguous') AS waiting,
    pg_catalog.count(*) FILTER (WHERE delivery_id IS NULL AND NOT expired AND waiting_reason = 'ambiguous') AS ambiguous,
    pg_catalog.count(*) FILTER (WHERE expired) AS expired
FROM outcomes
