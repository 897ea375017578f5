-- Reads `page` (id, tenant_id). Makes `leaving`: the deliveries with facts, all of which are older than :before. The age of an event
-- is that of the earlier of its two times: occurred_at may be in the future, and inserted_at is later than the mail if a history was
-- imported.
-- OFFSET 0 keeps the look-ups on the indexes by delivery and by id: see timeline.sql.
leaving AS (
    SELECT page.id
    FROM page
    WHERE NOT EXISTS (
        SELECT
        FROM mailglass_events AS young
        WHERE young.delivery_id = page.id
          AND young.occurred_at >= :before
          AND (young.inserted_at >= :before) IS TRUE
          AND (young.tenant_id = page.tenant_id) IS TRUE
          AND NOT young.needs_reconciliation
        OFFSET 0
    )
      AND NOT EXISTS (
        SELECT
        FROM mailglass_event_links AS link
        CROSS JOIN LATERAL (SELECT * FROM mailglass_events AS event WHERE event.id = link.event_id OFFSET 0) AS young
        WHERE link.delivery_id = page.id
          AND (link.tenant_id = page.tenant_id) IS TRUE
          AND young.tenant_id = page.tenant_id
          AND young.occurred_at >= :before
          AND young.inserted_at >= :before
        OFFSET 0
    )
      AND (
        EXISTS (
            SELECT
            FROM mailglass_events AS own
            WHERE own.delivery_id = page.id
              AND (own.tenant_id = page.tenant_id) IS TRUE
              AND NOT own.needs_reconciliation
            OFFSET 0
        )
        OR EXISTS (
            SELECT
            FROM mailglass_event_links AS link
            CROSS JOIN LATERAL (SELECT * FROM mailglass_events AS event WHERE event.id = link.event_id OFFSET 0) AS linked
            WHERE link.delivery_id = page.id
              AND (link.tenant_id = page.tenant_id) IS TRUE
              AND linked.tenant_id = page.tenant_id
            OFFSET 0
        )
    )
      -- It was scheduled long ago, or is held.
      AND NOT EXISTS (SELECT FROM mailglass_outbox AS entry WHERE entry.delivery_id = page.id OFFSET 0)
)
