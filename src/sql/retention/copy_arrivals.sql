-- Copies events that arrived during the cut. A delivery that got one stays, with all of its events: those that were left out are
-- copied as well. Returns how many arrivals there were, and how many deliveries and events leave no more.
-- The arrivals are deleted: nothing else deletes them, and a trigger only inserts.
WITH noted AS (
    DELETE FROM mailglass_cut_arrivals
    WHERE ctid = ANY (ARRAY(SELECT ctid FROM mailglass_cut_arrivals LIMIT :batch))
    RETURNING event_id, delivery_id
),
touched AS (
    SELECT DISTINCT delivery_id
    FROM noted
    WHERE delivery_id IS NOT NULL
),
wanted AS (
    SELECT event_id
    FROM noted
    UNION
    -- Of a delivery that was to leave, all events are missing.
    SELECT own.id
    FROM touched
    CROSS JOIN LATERAL (
        SELECT FROM mailglass_cut_deliveries AS leaving WHERE leaving.delivery_id = touched.delivery_id OFFSET 0
    ) AS leaving
    CROSS JOIN LATERAL (
        SELECT event.id FROM mailglass_events AS event WHERE event.delivery_id = touched.delivery_id OFFSET 0
    ) AS own
    UNION
    -- Of another one, old events are missing if it was inserted again with the same id. Its other events are not read: it may have many.
    SELECT own.id
    FROM touched
    CROSS JOIN LATERAL (
        SELECT event.id
        FROM mailglass_events AS event
        WHERE event.delivery_id = touched.delivery_id
          AND event.occurred_at < :before
        OFFSET 0
    ) AS own
    UNION
    SELECT link.event_id
    FROM touched
    CROSS JOIN LATERAL (
        SELECT link.event_id FROM mailglass_event_links AS link WHERE link.delivery_id = touched.delivery_id OFFSET 0
    ) AS link
),
copied AS (
    INSERT INTO mailglass_events_next (:columns)
    OVERRIDING SYSTEM VALUE
    SELECT :columns
    FROM wanted
    CROSS JOIN LATERAL (SELECT * FROM mailglass_events AS event WHERE event.id = wanted.event_id OFFSET 0) AS event
    ON CONFLICT (id) DO NOTHING
    RETURNING id
),
staying_deliveries AS (
    DELETE FROM mailglass_cut_deliveries
    WHERE delivery_id = ANY (ARRAY(SELECT delivery_id FROM touched))
    RETURNING delivery_id
),
staying_events AS (
    DELETE FROM mailglass_cut_events
    WHERE event_id = ANY (ARRAY(SELECT event_id FROM wanted))
    RETURNING event_id
)
SELECT
    (SELECT pg_catalog.count(*) FROM noted) AS noted,
    (SELECT pg_catalog.count(*) FROM copied) AS copied,
    (SELECT pg_catalog.count(*) FROM staying_deliveries) AS deliveries,
    (SELECT pg_catalog.count(*) FROM staying_events) AS events
