-- a statement of retention_preview.sql

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;

-- Settings for one step. search_path: names are those of the schema of the ledger, and PostgreSQL prints the same definitions in
-- every session. row_security: a statement from which a policy hides rows fails. statement_timeout: a step is bounded by its batch,
-- except the one that builds an index.
SELECT
    pg_catalog.set_config('search_path', pg_catalog.quote_ident($1) || ', pg_temp', true),
    pg_catalog.set_config('row_security', 'off', true),
    pg_catalog.set_config('statement_timeout', '0', true),
    pg_catalog.set_config('quote_all_identifiers', 'off', true),
    pg_catalog.set_config('standard_conforming_strings', 'on', true);

-- Locks the state of the cut, so that two processes take turns.
SELECT only_one FROM mailglass_cut FOR UPDATE;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

WITH -- Makes `page`: the next deliveries by id.
page AS (
    SELECT id, tenant_id
    FROM mailglass_deliveries
    WHERE $2 IS NULL OR id > $2
    ORDER BY id
    LIMIT $3
),
-- Reads `page` (id, tenant_id). Makes `leaving`: the deliveries with facts, all of which are older than $1. The age of an event
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
          AND young.occurred_at >= $1
          AND (young.inserted_at >= $1) IS TRUE
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
          AND young.occurred_at >= $1
          AND young.inserted_at >= $1
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
),
-- Reads `page` and `leaving`. Makes `noted`: writes the deliveries that leave.
noted AS (
    INSERT INTO mailglass_cut_deliveries (delivery_id)
    SELECT id
    FROM leaving
)
-- Moves the cut behind the page; the last page begins the next phase.
UPDATE mailglass_cut
SET
    deliveries_checked = deliveries_checked + read.count,
    position = CASE WHEN read.count < $3 THEN NULL ELSE read.last END,
    phase = CASE WHEN read.count < $3 THEN 'events' ELSE phase END
FROM (
    SELECT pg_catalog.count(*) AS count, (SELECT id FROM page ORDER BY id DESC LIMIT 1) AS last FROM page
) AS read;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

ANALYZE mailglass_cut_deliveries;

COMMIT;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

-- a statement of retention_preview.sql

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;

-- Settings for one step. search_path: names are those of the schema of the ledger, and PostgreSQL prints the same definitions in
-- every session. row_security: a statement from which a policy hides rows fails. statement_timeout: a step is bounded by its batch,
-- except the one that builds an index.
SELECT
    pg_catalog.set_config('search_path', pg_catalog.quote_ident($1) || ', pg_temp', true),
    pg_catalog.set_config('row_security', 'off', true),
    pg_catalog.set_config('statement_timeout', '0', true),
    pg_catalog.set_config('quote_all_identifiers', 'off', true),
    pg_catalog.set_config('standard_conforming_strings', 'on', true);

-- Locks the state of the cut, so that two processes take turns.
SELECT only_one FROM mailglass_cut FOR UPDATE;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

-- The columns with a value of their own, quoted: those that the ledger had when the cut began.
SELECT pg_catalog.string_agg(pg_catalog.quote_ident(attname::text), ', ' ORDER BY attnum) AS names
FROM pg_catalog.pg_attribute
WHERE attrelid = pg_catalog.to_regclass('mailglass_events_next')
  AND attnum > 0
  AND NOT attisdropped
  AND attgenerated = '';

WITH -- Makes `page`: the next events by id.
page AS (
    SELECT *
    FROM mailglass_events
    WHERE $2 IS NULL OR id > $2
    ORDER BY id
    LIMIT $3
),
-- Reads `page` and `mailglass_cut_deliveries`, which is a table or a CTE. Makes `judged`: the same events, each with whether it leaves.
-- An event that is not older than $1 stays: if it is a fact of a delivery, the delivery stays. An older one stays if it is a fact
-- of a delivery that stays, or if it waits for its delivery.
judged AS (
    SELECT
        page.*,
        (page.occurred_at < $1 OR page.inserted_at < $1)
        AND NOT (
            NOT page.needs_reconciliation
            AND EXISTS (
                SELECT
                FROM mailglass_deliveries AS delivery
                WHERE delivery.id = page.delivery_id
                  AND (delivery.tenant_id = page.tenant_id) IS TRUE
                  AND NOT EXISTS (
                      SELECT FROM mailglass_cut_deliveries AS leaving WHERE leaving.delivery_id = page.delivery_id OFFSET 0
                  )
                OFFSET 0
            )
        )
        AND NOT EXISTS (
            SELECT
            FROM mailglass_event_links AS link
            WHERE link.event_id = page.id
              AND (
                  (link.linked_at IS NULL AND link.expired_at IS NULL)
                  OR EXISTS (
                      SELECT
                      FROM mailglass_deliveries AS delivery
                      WHERE delivery.id = link.delivery_id
                        AND (delivery.tenant_id = page.tenant_id) IS TRUE
                        AND (delivery.tenant_id = link.tenant_id) IS TRUE
                        AND NOT EXISTS (
                            SELECT FROM mailglass_cut_deliveries AS leaving WHERE leaving.delivery_id = delivery.id OFFSET 0
                        )
                      OFFSET 0
                  )
              )
            OFFSET 0
        ) AS leaves
    FROM page
),
-- Reads `judged`. Makes `copied` and `noted`: writes the events that stay to the new ledger, and the ids of those that leave.
copied AS (
    INSERT INTO mailglass_events_next (id, tenant_id, delivery_id, type, occurred_at, idempotency_key, reject_reason, normalized_payload, metadata, trace_id, needs_reconciliation, inserted_at)
    OVERRIDING SYSTEM VALUE
    SELECT id, tenant_id, delivery_id, type, occurred_at, idempotency_key, reject_reason, normalized_payload, metadata, trace_id, needs_reconciliation, inserted_at
    FROM judged
    WHERE NOT leaves
    ORDER BY id
),
noted AS (
    INSERT INTO mailglass_cut_events (event_id)
    SELECT id
    FROM judged
    WHERE leaves
)
-- Moves the cut behind the page; the last page begins the next phase.
UPDATE mailglass_cut
SET
    events_checked = events_checked + read.count,
    events_kept = events_kept + read.kept,
    position = CASE WHEN read.count < $3 THEN NULL ELSE read.last END,
    phase = CASE WHEN read.count < $3 THEN 'indexes' ELSE phase END
FROM (
    SELECT
        pg_catalog.count(*) AS count,
        pg_catalog.count(*) FILTER (WHERE NOT leaves) AS kept,
        (SELECT id FROM judged ORDER BY id DESC LIMIT 1) AS last
    FROM judged
) AS read;

COMMIT;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

-- a statement of retention_preview.sql

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;

-- Settings for one step. search_path: names are those of the schema of the ledger, and PostgreSQL prints the same definitions in
-- every session. row_security: a statement from which a policy hides rows fails. statement_timeout: a step is bounded by its batch,
-- except the one that builds an index.
SELECT
    pg_catalog.set_config('search_path', pg_catalog.quote_ident($1) || ', pg_temp', true),
    pg_catalog.set_config('row_security', 'off', true),
    pg_catalog.set_config('statement_timeout', '0', true),
    pg_catalog.set_config('quote_all_identifiers', 'off', true),
    pg_catalog.set_config('standard_conforming_strings', 'on', true);

-- Locks the state of the cut, so that two processes take turns.
SELECT only_one FROM mailglass_cut FOR UPDATE;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

CREATE UNIQUE INDEX mailglass_events_next_1 ON mailglass_events_next USING btree (id);

-- Counts an executed statement; the last one begins the next phase.
UPDATE mailglass_cut
SET
    built = built + 1,
    phase = CASE WHEN built + 1 >= pg_catalog.cardinality(building) THEN 'arrivals' ELSE phase END;

COMMIT;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

-- a statement of retention_preview.sql

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;

-- Settings for one step. search_path: names are those of the schema of the ledger, and PostgreSQL prints the same definitions in
-- every session. row_security: a statement from which a policy hides rows fails. statement_timeout: a step is bounded by its batch,
-- except the one that builds an index.
SELECT
    pg_catalog.set_config('search_path', pg_catalog.quote_ident($1) || ', pg_temp', true),
    pg_catalog.set_config('row_security', 'off', true),
    pg_catalog.set_config('statement_timeout', '0', true),
    pg_catalog.set_config('quote_all_identifiers', 'off', true),
    pg_catalog.set_config('standard_conforming_strings', 'on', true);

-- Locks the state of the cut, so that two processes take turns.
SELECT only_one FROM mailglass_cut FOR UPDATE;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

ALTER TABLE mailglass_events_next ADD CONSTRAINT mailglass_events_next_1 PRIMARY KEY USING INDEX mailglass_events_next_1;

-- Counts an executed statement; the last one begins the next phase.
UPDATE mailglass_cut
SET
    built = built + 1,
    phase = CASE WHEN built + 1 >= pg_catalog.cardinality(building) THEN 'arrivals' ELSE phase END;

COMMIT;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

-- a statement of retention_preview.sql

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;

-- Settings for one step. search_path: names are those of the schema of the ledger, and PostgreSQL prints the same definitions in
-- every session. row_security: a statement from which a policy hides rows fails. statement_timeout: a step is bounded by its batch,
-- except the one that builds an index.
SELECT
    pg_catalog.set_config('search_path', pg_catalog.quote_ident($1) || ', pg_temp', true),
    pg_catalog.set_config('row_security', 'off', true),
    pg_catalog.set_config('statement_timeout', '0', true),
    pg_catalog.set_config('quote_all_identifiers', 'off', true),
    pg_catalog.set_config('standard_conforming_strings', 'on', true);

-- Locks the state of the cut, so that two processes take turns.
SELECT only_one FROM mailglass_cut FOR UPDATE;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

CREATE INDEX mailglass_events_next_3 ON mailglass_events_next USING btree (delivery_id, occurred_at) WHERE (delivery_id IS NOT NULL);

-- Counts an executed statement; the last one begins the next phase.
UPDATE mailglass_cut
SET
    built = built + 1,
    phase = CASE WHEN built + 1 >= pg_catalog.cardinality(building) THEN 'arrivals' ELSE phase END;

COMMIT;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

-- a statement of retention_preview.sql

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;

-- Settings for one step. search_path: names are those of the schema of the ledger, and PostgreSQL prints the same definitions in
-- every session. row_security: a statement from which a policy hides rows fails. statement_timeout: a step is bounded by its batch,
-- except the one that builds an index.
SELECT
    pg_catalog.set_config('search_path', pg_catalog.quote_ident($1) || ', pg_temp', true),
    pg_catalog.set_config('row_security', 'off', true),
    pg_catalog.set_config('statement_timeout', '0', true),
    pg_catalog.set_config('quote_all_identifiers', 'off', true),
    pg_catalog.set_config('standard_conforming_strings', 'on', true);

-- Locks the state of the cut, so that two processes take turns.
SELECT only_one FROM mailglass_cut FOR UPDATE;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

CREATE UNIQUE INDEX mailglass_events_next_2 ON mailglass_events_next USING btree (idempotency_key) WHERE (idempotency_key IS NOT NULL);

-- Counts an executed statement; the last one begins the next phase.
UPDATE mailglass_cut
SET
    built = built + 1,
    phase = CASE WHEN built + 1 >= pg_catalog.cardinality(building) THEN 'arrivals' ELSE phase END;

COMMIT;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

-- a statement of retention_preview.sql

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;

-- Settings for one step. search_path: names are those of the schema of the ledger, and PostgreSQL prints the same definitions in
-- every session. row_security: a statement from which a policy hides rows fails. statement_timeout: a step is bounded by its batch,
-- except the one that builds an index.
SELECT
    pg_catalog.set_config('search_path', pg_catalog.quote_ident($1) || ', pg_temp', true),
    pg_catalog.set_config('row_security', 'off', true),
    pg_catalog.set_config('statement_timeout', '0', true),
    pg_catalog.set_config('quote_all_identifiers', 'off', true),
    pg_catalog.set_config('standard_conforming_strings', 'on', true);

-- Locks the state of the cut, so that two processes take turns.
SELECT only_one FROM mailglass_cut FOR UPDATE;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

CREATE INDEX mailglass_events_next_5 ON mailglass_events_next USING btree (tenant_id, inserted_at) WHERE needs_reconciliation;

-- Counts an executed statement; the last one begins the next phase.
UPDATE mailglass_cut
SET
    built = built + 1,
    phase = CASE WHEN built + 1 >= pg_catalog.cardinality(building) THEN 'arrivals' ELSE phase END;

COMMIT;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

-- a statement of retention_preview.sql

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;

-- Settings for one step. search_path: names are those of the schema of the ledger, and PostgreSQL prints the same definitions in
-- every session. row_security: a statement from which a policy hides rows fails. statement_timeout: a step is bounded by its batch,
-- except the one that builds an index.
SELECT
    pg_catalog.set_config('search_path', pg_catalog.quote_ident($1) || ', pg_temp', true),
    pg_catalog.set_config('row_security', 'off', true),
    pg_catalog.set_config('statement_timeout', '0', true),
    pg_catalog.set_config('quote_all_identifiers', 'off', true),
    pg_catalog.set_config('standard_conforming_strings', 'on', true);

-- Locks the state of the cut, so that two processes take turns.
SELECT only_one FROM mailglass_cut FOR UPDATE;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

CREATE INDEX mailglass_events_next_4 ON mailglass_events_next USING btree (tenant_id, inserted_at DESC);

-- Counts an executed statement; the last one begins the next phase.
UPDATE mailglass_cut
SET
    built = built + 1,
    phase = CASE WHEN built + 1 >= pg_catalog.cardinality(building) THEN 'arrivals' ELSE phase END;

COMMIT;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

-- a statement of retention_preview.sql

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;

-- Settings for one step. search_path: names are those of the schema of the ledger, and PostgreSQL prints the same definitions in
-- every session. row_security: a statement from which a policy hides rows fails. statement_timeout: a step is bounded by its batch,
-- except the one that builds an index.
SELECT
    pg_catalog.set_config('search_path', pg_catalog.quote_ident($1) || ', pg_temp', true),
    pg_catalog.set_config('row_security', 'off', true),
    pg_catalog.set_config('statement_timeout', '0', true),
    pg_catalog.set_config('quote_all_identifiers', 'off', true),
    pg_catalog.set_config('standard_conforming_strings', 'on', true);

-- Locks the state of the cut, so that two processes take turns.
SELECT only_one FROM mailglass_cut FOR UPDATE;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

COMMENT ON TABLE mailglass_events_next IS 'Append-only ledger: one row per event. Triggers reject every change with SQLSTATE 45A01.';

-- Counts an executed statement; the last one begins the next phase.
UPDATE mailglass_cut
SET
    built = built + 1,
    phase = CASE WHEN built + 1 >= pg_catalog.cardinality(building) THEN 'arrivals' ELSE phase END;

COMMIT;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

-- a statement of retention_preview.sql

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;

-- Settings for one step. search_path: names are those of the schema of the ledger, and PostgreSQL prints the same definitions in
-- every session. row_security: a statement from which a policy hides rows fails. statement_timeout: a step is bounded by its batch,
-- except the one that builds an index.
SELECT
    pg_catalog.set_config('search_path', pg_catalog.quote_ident($1) || ', pg_temp', true),
    pg_catalog.set_config('row_security', 'off', true),
    pg_catalog.set_config('statement_timeout', '0', true),
    pg_catalog.set_config('quote_all_identifiers', 'off', true),
    pg_catalog.set_config('standard_conforming_strings', 'on', true);

-- Locks the state of the cut, so that two processes take turns.
SELECT only_one FROM mailglass_cut FOR UPDATE;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

COMMENT ON COLUMN mailglass_events_next.delivery_id IS 'Logical reference to mailglass_deliveries.id, without a foreign key. NULL for an orphan that names a provider message (see mailglass_event_links) and for an event without a delivery.';

-- Counts an executed statement; the last one begins the next phase.
UPDATE mailglass_cut
SET
    built = built + 1,
    phase = CASE WHEN built + 1 >= pg_catalog.cardinality(building) THEN 'arrivals' ELSE phase END;

COMMIT;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

-- a statement of retention_preview.sql

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;

-- Settings for one step. search_path: names are those of the schema of the ledger, and PostgreSQL prints the same definitions in
-- every session. row_security: a statement from which a policy hides rows fails. statement_timeout: a step is bounded by its batch,
-- except the one that builds an index.
SELECT
    pg_catalog.set_config('search_path', pg_catalog.quote_ident($1) || ', pg_temp', true),
    pg_catalog.set_config('row_security', 'off', true),
    pg_catalog.set_config('statement_timeout', '0', true),
    pg_catalog.set_config('quote_all_identifiers', 'off', true),
    pg_catalog.set_config('standard_conforming_strings', 'on', true);

-- Locks the state of the cut, so that two processes take turns.
SELECT only_one FROM mailglass_cut FOR UPDATE;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

COMMENT ON COLUMN mailglass_events_next.id IS 'A UUIDv7 that the client generates when it appends.';

-- Counts an executed statement; the last one begins the next phase.
UPDATE mailglass_cut
SET
    built = built + 1,
    phase = CASE WHEN built + 1 >= pg_catalog.cardinality(building) THEN 'arrivals' ELSE phase END;

COMMIT;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

-- a statement of retention_preview.sql

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;

-- Settings for one step. search_path: names are those of the schema of the ledger, and PostgreSQL prints the same definitions in
-- every session. row_security: a statement from which a policy hides rows fails. statement_timeout: a step is bounded by its batch,
-- except the one that builds an index.
SELECT
    pg_catalog.set_config('search_path', pg_catalog.quote_ident($1) || ', pg_temp', true),
    pg_catalog.set_config('row_security', 'off', true),
    pg_catalog.set_config('statement_timeout', '0', true),
    pg_catalog.set_config('quote_all_identifiers', 'off', true),
    pg_catalog.set_config('standard_conforming_strings', 'on', true);

-- Locks the state of the cut, so that two processes take turns.
SELECT only_one FROM mailglass_cut FOR UPDATE;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

COMMENT ON COLUMN mailglass_events_next.idempotency_key IS 'Makes appends idempotent: appending the same key again returns the existing event. Unique across all tenants.';

-- Counts an executed statement; the last one begins the next phase.
UPDATE mailglass_cut
SET
    built = built + 1,
    phase = CASE WHEN built + 1 >= pg_catalog.cardinality(building) THEN 'arrivals' ELSE phase END;

COMMIT;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

-- a statement of retention_preview.sql

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;

-- Settings for one step. search_path: names are those of the schema of the ledger, and PostgreSQL prints the same definitions in
-- every session. row_security: a statement from which a policy hides rows fails. statement_timeout: a step is bounded by its batch,
-- except the one that builds an index.
SELECT
    pg_catalog.set_config('search_path', pg_catalog.quote_ident($1) || ', pg_temp', true),
    pg_catalog.set_config('row_security', 'off', true),
    pg_catalog.set_config('statement_timeout', '0', true),
    pg_catalog.set_config('quote_all_identifiers', 'off', true),
    pg_catalog.set_config('standard_conforming_strings', 'on', true);

-- Locks the state of the cut, so that two processes take turns.
SELECT only_one FROM mailglass_cut FOR UPDATE;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

COMMENT ON COLUMN mailglass_events_next.inserted_at IS 'When the event was appended, by the server''s clock.';

-- Counts an executed statement; the last one begins the next phase.
UPDATE mailglass_cut
SET
    built = built + 1,
    phase = CASE WHEN built + 1 >= pg_catalog.cardinality(building) THEN 'arrivals' ELSE phase END;

COMMIT;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

-- a statement of retention_preview.sql

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;

-- Settings for one step. search_path: names are those of the schema of the ledger, and PostgreSQL prints the same definitions in
-- every session. row_security: a statement from which a policy hides rows fails. statement_timeout: a step is bounded by its batch,
-- except the one that builds an index.
SELECT
    pg_catalog.set_config('search_path', pg_catalog.quote_ident($1) || ', pg_temp', true),
    pg_catalog.set_config('row_security', 'off', true),
    pg_catalog.set_config('statement_timeout', '0', true),
    pg_catalog.set_config('quote_all_identifiers', 'off', true),
    pg_catalog.set_config('standard_conforming_strings', 'on', true);

-- Locks the state of the cut, so that two processes take turns.
SELECT only_one FROM mailglass_cut FOR UPDATE;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

COMMENT ON COLUMN mailglass_events_next.metadata IS 'The application''s JSON object. The keys provider, provider_message_id and recipient identify the delivery.';

-- Counts an executed statement; the last one begins the next phase.
UPDATE mailglass_cut
SET
    built = built + 1,
    phase = CASE WHEN built + 1 >= pg_catalog.cardinality(building) THEN 'arrivals' ELSE phase END;

COMMIT;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

-- a statement of retention_preview.sql

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;

-- Settings for one step. search_path: names are those of the schema of the ledger, and PostgreSQL prints the same definitions in
-- every session. row_security: a statement from which a policy hides rows fails. statement_timeout: a step is bounded by its batch,
-- except the one that builds an index.
SELECT
    pg_catalog.set_config('search_path', pg_catalog.quote_ident($1) || ', pg_temp', true),
    pg_catalog.set_config('row_security', 'off', true),
    pg_catalog.set_config('statement_timeout', '0', true),
    pg_catalog.set_config('quote_all_identifiers', 'off', true),
    pg_catalog.set_config('standard_conforming_strings', 'on', true);

-- Locks the state of the cut, so that two processes take turns.
SELECT only_one FROM mailglass_cut FOR UPDATE;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

COMMENT ON COLUMN mailglass_events_next.needs_reconciliation IS 'Whether the event had to wait for its delivery when it was appended. Never cleared; mailglass_event_links has whether it is linked.';

-- Counts an executed statement; the last one begins the next phase.
UPDATE mailglass_cut
SET
    built = built + 1,
    phase = CASE WHEN built + 1 >= pg_catalog.cardinality(building) THEN 'arrivals' ELSE phase END;

COMMIT;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

-- a statement of retention_preview.sql

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;

-- Settings for one step. search_path: names are those of the schema of the ledger, and PostgreSQL prints the same definitions in
-- every session. row_security: a statement from which a policy hides rows fails. statement_timeout: a step is bounded by its batch,
-- except the one that builds an index.
SELECT
    pg_catalog.set_config('search_path', pg_catalog.quote_ident($1) || ', pg_temp', true),
    pg_catalog.set_config('row_security', 'off', true),
    pg_catalog.set_config('statement_timeout', '0', true),
    pg_catalog.set_config('quote_all_identifiers', 'off', true),
    pg_catalog.set_config('standard_conforming_strings', 'on', true);

-- Locks the state of the cut, so that two processes take turns.
SELECT only_one FROM mailglass_cut FOR UPDATE;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

COMMENT ON COLUMN mailglass_events_next.normalized_payload IS 'The provider''s report as a JSON object, normalized by the application. May contain personal data.';

-- Counts an executed statement; the last one begins the next phase.
UPDATE mailglass_cut
SET
    built = built + 1,
    phase = CASE WHEN built + 1 >= pg_catalog.cardinality(building) THEN 'arrivals' ELSE phase END;

COMMIT;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

-- a statement of retention_preview.sql

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;

-- Settings for one step. search_path: names are those of the schema of the ledger, and PostgreSQL prints the same definitions in
-- every session. row_security: a statement from which a policy hides rows fails. statement_timeout: a step is bounded by its batch,
-- except the one that builds an index.
SELECT
    pg_catalog.set_config('search_path', pg_catalog.quote_ident($1) || ', pg_temp', true),
    pg_catalog.set_config('row_security', 'off', true),
    pg_catalog.set_config('statement_timeout', '0', true),
    pg_catalog.set_config('quote_all_identifiers', 'off', true),
    pg_catalog.set_config('standard_conforming_strings', 'on', true);

-- Locks the state of the cut, so that two processes take turns.
SELECT only_one FROM mailglass_cut FOR UPDATE;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

COMMENT ON COLUMN mailglass_events_next.occurred_at IS 'When it happened, by the clock of the system that reports it.';

-- Counts an executed statement; the last one begins the next phase.
UPDATE mailglass_cut
SET
    built = built + 1,
    phase = CASE WHEN built + 1 >= pg_catalog.cardinality(building) THEN 'arrivals' ELSE phase END;

COMMIT;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

-- a statement of retention_preview.sql

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;

-- Settings for one step. search_path: names are those of the schema of the ledger, and PostgreSQL prints the same definitions in
-- every session. row_security: a statement from which a policy hides rows fails. statement_timeout: a step is bounded by its batch,
-- except the one that builds an index.
SELECT
    pg_catalog.set_config('search_path', pg_catalog.quote_ident($1) || ', pg_temp', true),
    pg_catalog.set_config('row_security', 'off', true),
    pg_catalog.set_config('statement_timeout', '0', true),
    pg_catalog.set_config('quote_all_identifiers', 'off', true),
    pg_catalog.set_config('standard_conforming_strings', 'on', true);

-- Locks the state of the cut, so that two processes take turns.
SELECT only_one FROM mailglass_cut FOR UPDATE;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

COMMENT ON COLUMN mailglass_events_next.reject_reason IS 'Why it was rejected or bounced, if the provider reports it.';

-- Counts an executed statement; the last one begins the next phase.
UPDATE mailglass_cut
SET
    built = built + 1,
    phase = CASE WHEN built + 1 >= pg_catalog.cardinality(building) THEN 'arrivals' ELSE phase END;

COMMIT;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

-- a statement of retention_preview.sql

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;

-- Settings for one step. search_path: names are those of the schema of the ledger, and PostgreSQL prints the same definitions in
-- every session. row_security: a statement from which a policy hides rows fails. statement_timeout: a step is bounded by its batch,
-- except the one that builds an index.
SELECT
    pg_catalog.set_config('search_path', pg_catalog.quote_ident($1) || ', pg_temp', true),
    pg_catalog.set_config('row_security', 'off', true),
    pg_catalog.set_config('statement_timeout', '0', true),
    pg_catalog.set_config('quote_all_identifiers', 'off', true),
    pg_catalog.set_config('standard_conforming_strings', 'on', true);

-- Locks the state of the cut, so that two processes take turns.
SELECT only_one FROM mailglass_cut FOR UPDATE;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

COMMENT ON COLUMN mailglass_events_next.tenant_id IS 'The tenant that owns the event.';

-- Counts an executed statement; the last one begins the next phase.
UPDATE mailglass_cut
SET
    built = built + 1,
    phase = CASE WHEN built + 1 >= pg_catalog.cardinality(building) THEN 'arrivals' ELSE phase END;

COMMIT;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

-- a statement of retention_preview.sql

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;

-- Settings for one step. search_path: names are those of the schema of the ledger, and PostgreSQL prints the same definitions in
-- every session. row_security: a statement from which a policy hides rows fails. statement_timeout: a step is bounded by its batch,
-- except the one that builds an index.
SELECT
    pg_catalog.set_config('search_path', pg_catalog.quote_ident($1) || ', pg_temp', true),
    pg_catalog.set_config('row_security', 'off', true),
    pg_catalog.set_config('statement_timeout', '0', true),
    pg_catalog.set_config('quote_all_identifiers', 'off', true),
    pg_catalog.set_config('standard_conforming_strings', 'on', true);

-- Locks the state of the cut, so that two processes take turns.
SELECT only_one FROM mailglass_cut FOR UPDATE;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

COMMENT ON COLUMN mailglass_events_next.trace_id IS 'Correlates the event with the request or job that recorded it. Replays do not compare it.';

-- Counts an executed statement; the last one begins the next phase.
UPDATE mailglass_cut
SET
    built = built + 1,
    phase = CASE WHEN built + 1 >= pg_catalog.cardinality(building) THEN 'arrivals' ELSE phase END;

COMMIT;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

-- a statement of retention_preview.sql

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;

-- Settings for one step. search_path: names are those of the schema of the ledger, and PostgreSQL prints the same definitions in
-- every session. row_security: a statement from which a policy hides rows fails. statement_timeout: a step is bounded by its batch,
-- except the one that builds an index.
SELECT
    pg_catalog.set_config('search_path', pg_catalog.quote_ident($1) || ', pg_temp', true),
    pg_catalog.set_config('row_security', 'off', true),
    pg_catalog.set_config('statement_timeout', '0', true),
    pg_catalog.set_config('quote_all_identifiers', 'off', true),
    pg_catalog.set_config('standard_conforming_strings', 'on', true);

-- Locks the state of the cut, so that two processes take turns.
SELECT only_one FROM mailglass_cut FOR UPDATE;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

COMMENT ON COLUMN mailglass_events_next.type IS 'What happened.';

-- Counts an executed statement; the last one begins the next phase.
UPDATE mailglass_cut
SET
    built = built + 1,
    phase = CASE WHEN built + 1 >= pg_catalog.cardinality(building) THEN 'arrivals' ELSE phase END;

COMMIT;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

-- a statement of retention_preview.sql

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;

-- Settings for one step. search_path: names are those of the schema of the ledger, and PostgreSQL prints the same definitions in
-- every session. row_security: a statement from which a policy hides rows fails. statement_timeout: a step is bounded by its batch,
-- except the one that builds an index.
SELECT
    pg_catalog.set_config('search_path', pg_catalog.quote_ident($1) || ', pg_temp', true),
    pg_catalog.set_config('row_security', 'off', true),
    pg_catalog.set_config('statement_timeout', '0', true),
    pg_catalog.set_config('quote_all_identifiers', 'off', true),
    pg_catalog.set_config('standard_conforming_strings', 'on', true);

-- Locks the state of the cut, so that two processes take turns.
SELECT only_one FROM mailglass_cut FOR UPDATE;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

ANALYZE mailglass_events_next;

-- Counts an executed statement; the last one begins the next phase.
UPDATE mailglass_cut
SET
    built = built + 1,
    phase = CASE WHEN built + 1 >= pg_catalog.cardinality(building) THEN 'arrivals' ELSE phase END;

COMMIT;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

-- a statement of retention_preview.sql

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;

-- Settings for one step. search_path: names are those of the schema of the ledger, and PostgreSQL prints the same definitions in
-- every session. row_security: a statement from which a policy hides rows fails. statement_timeout: a step is bounded by its batch,
-- except the one that builds an index.
SELECT
    pg_catalog.set_config('search_path', pg_catalog.quote_ident($1) || ', pg_temp', true),
    pg_catalog.set_config('row_security', 'off', true),
    pg_catalog.set_config('statement_timeout', '0', true),
    pg_catalog.set_config('quote_all_identifiers', 'off', true),
    pg_catalog.set_config('standard_conforming_strings', 'on', true);

-- Locks the state of the cut, so that two processes take turns.
SELECT only_one FROM mailglass_cut FOR UPDATE;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

-- The columns with a value of their own, quoted: those that the ledger had when the cut began.
SELECT pg_catalog.string_agg(pg_catalog.quote_ident(attname::text), ', ' ORDER BY attnum) AS names
FROM pg_catalog.pg_attribute
WHERE attrelid = pg_catalog.to_regclass('mailglass_events_next')
  AND attnum > 0
  AND NOT attisdropped
  AND attgenerated = '';

-- Copies events that arrived during the cut. A delivery that got one stays, with all of its events: those that were left out are
-- copied as well. Returns how many arrivals there were, and how many deliveries and events leave no more.
-- The arrivals are deleted: nothing else deletes them, and a trigger only inserts.
WITH noted AS (
    DELETE FROM mailglass_cut_arrivals
    WHERE ctid = ANY (ARRAY(SELECT ctid FROM mailglass_cut_arrivals LIMIT $1))
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
          AND event.occurred_at < $2
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
    INSERT INTO mailglass_events_next (id, tenant_id, delivery_id, type, occurred_at, idempotency_key, reject_reason, normalized_payload, metadata, trace_id, needs_reconciliation, inserted_at)
    OVERRIDING SYSTEM VALUE
    SELECT id, tenant_id, delivery_id, type, occurred_at, idempotency_key, reject_reason, normalized_payload, metadata, trace_id, needs_reconciliation, inserted_at
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
    (SELECT pg_catalog.count(*) FROM staying_events) AS events;

-- Counts the copied events.
UPDATE mailglass_cut
SET
    events_kept = events_kept + $1,
    phase = $2;

COMMIT;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

-- a statement of retention_preview.sql

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

-- The session's lock_timeout in milliseconds; 0 means none.
SELECT setting::bigint AS milliseconds
FROM pg_catalog.pg_settings
WHERE name = 'lock_timeout';

BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;

-- Settings for one step. search_path: names are those of the schema of the ledger, and PostgreSQL prints the same definitions in
-- every session. row_security: a statement from which a policy hides rows fails. statement_timeout: a step is bounded by its batch,
-- except the one that builds an index.
SELECT
    pg_catalog.set_config('search_path', pg_catalog.quote_ident($1) || ', pg_temp', true),
    pg_catalog.set_config('row_security', 'off', true),
    pg_catalog.set_config('statement_timeout', '0', true),
    pg_catalog.set_config('quote_all_identifiers', 'off', true),
    pg_catalog.set_config('standard_conforming_strings', 'on', true);

-- a statement of retention_abort.sql

COMMIT;

BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;

SELECT pg_catalog.pg_advisory_xact_lock(7881696737187619187);

-- Settings for one step. search_path: names are those of the schema of the ledger, and PostgreSQL prints the same definitions in
-- every session. row_security: a statement from which a policy hides rows fails. statement_timeout: a step is bounded by its batch,
-- except the one that builds an index.
SELECT
    pg_catalog.set_config('search_path', pg_catalog.quote_ident($1) || ', pg_temp', true),
    pg_catalog.set_config('row_security', 'off', true),
    pg_catalog.set_config('statement_timeout', '0', true),
    pg_catalog.set_config('quote_all_identifiers', 'off', true),
    pg_catalog.set_config('standard_conforming_strings', 'on', true);

-- Locks the state of the cut, so that two processes take turns.
SELECT only_one FROM mailglass_cut FOR UPDATE;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

-- Locks the deliveries that leave, in the order in which `record` locks. It waits for calls that record an event of one, each for as long as
-- lock_tables.sql waits for a table, because other calls wait behind it. The block is a savepoint: if it fails, it releases every lock.
DO $do$
DECLARE
    callers_timeout text := pg_catalog.current_setting('lock_timeout');
BEGIN
    PERFORM pg_catalog.set_config('lock_timeout', least(100, greatest(setting::bigint / 4, 1))::text, true)
    FROM pg_catalog.pg_settings
    WHERE name = 'deadlock_timeout';
    PERFORM delivery.id
    FROM mailglass_deliveries AS delivery
    WHERE delivery.id IN (SELECT delivery_id FROM mailglass_cut_deliveries)
    ORDER BY delivery.id
    FOR UPDATE;
    PERFORM pg_catalog.set_config('lock_timeout', callers_timeout, true);
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    RAISE EXCEPTION USING
        ERRCODE = 'lock_not_available',
        MESSAGE = 'the deliveries are in use',
        DETAIL = 'mailglass:in_use';
END
$do$;

-- The columns with a value of their own, quoted: those that the ledger had when the cut began.
SELECT pg_catalog.string_agg(pg_catalog.quote_ident(attname::text), ', ' ORDER BY attnum) AS names
FROM pg_catalog.pg_attribute
WHERE attrelid = pg_catalog.to_regclass('mailglass_events_next')
  AND attnum > 0
  AND NOT attisdropped
  AND attgenerated = '';

-- Copies events that arrived during the cut. A delivery that got one stays, with all of its events: those that were left out are
-- copied as well. Returns how many arrivals there were, and how many deliveries and events leave no more.
-- The arrivals are deleted: nothing else deletes them, and a trigger only inserts.
WITH noted AS (
    DELETE FROM mailglass_cut_arrivals
    WHERE ctid = ANY (ARRAY(SELECT ctid FROM mailglass_cut_arrivals LIMIT $1))
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
          AND event.occurred_at < $2
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
    INSERT INTO mailglass_events_next (id, tenant_id, delivery_id, type, occurred_at, idempotency_key, reject_reason, normalized_payload, metadata, trace_id, needs_reconciliation, inserted_at)
    OVERRIDING SYSTEM VALUE
    SELECT id, tenant_id, delivery_id, type, occurred_at, idempotency_key, reject_reason, normalized_payload, metadata, trace_id, needs_reconciliation, inserted_at
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
    (SELECT pg_catalog.count(*) FROM staying_events) AS events;

-- Deletes the links of the deliveries that leave, and those of the events that leave without a delivery. A join for each: with OR,
-- PostgreSQL would read one of the lists for each link if it does not fit into work_mem.
DELETE FROM mailglass_event_links AS link
USING (
    SELECT linked.event_id
    FROM mailglass_event_links AS linked
    JOIN mailglass_cut_deliveries AS leaving ON leaving.delivery_id = linked.delivery_id
    UNION
    SELECT leaving.event_id
    FROM mailglass_cut_events AS leaving
    JOIN mailglass_event_links AS linked ON linked.event_id = leaving.event_id
) AS gone
WHERE link.event_id = gone.event_id;

DELETE FROM mailglass_deliveries AS delivery
USING mailglass_cut_deliveries AS leaving
WHERE delivery.id = leaving.delivery_id;

-- Counts the events that leave. They are not counted under the lock, after which none is added or removed.
SELECT pg_catalog.count(*) AS count
FROM mailglass_cut_events;

-- How far the WAL is written by now.
SELECT pg_catalog.pg_current_wal_insert_lsn()::text AS position;

-- Whether the WAL is on disk up to there, except for the last two pages: the WAL writer leaves a page that is not full.
SELECT pg_catalog.pg_wal_lsn_diff($1::pg_lsn, pg_catalog.pg_current_wal_flush_lsn()) < 16384 AS is_flushed;

SAVEPOINT diesel_savepoint_1;

-- a statement of retention_abort.sql

RELEASE SAVEPOINT diesel_savepoint_1;

-- The columns with a value of their own, quoted: those that the ledger had when the cut began.
SELECT pg_catalog.string_agg(pg_catalog.quote_ident(attname::text), ', ' ORDER BY attnum) AS names
FROM pg_catalog.pg_attribute
WHERE attrelid = pg_catalog.to_regclass('mailglass_events_next')
  AND attnum > 0
  AND NOT attisdropped
  AND attgenerated = '';

-- Copies events that arrived during the cut. A delivery that got one stays, with all of its events: those that were left out are
-- copied as well. Returns how many arrivals there were, and how many deliveries and events leave no more.
-- The arrivals are deleted: nothing else deletes them, and a trigger only inserts.
WITH noted AS (
    DELETE FROM mailglass_cut_arrivals
    WHERE ctid = ANY (ARRAY(SELECT ctid FROM mailglass_cut_arrivals LIMIT $1))
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
          AND event.occurred_at < $2
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
    INSERT INTO mailglass_events_next (id, tenant_id, delivery_id, type, occurred_at, idempotency_key, reject_reason, normalized_payload, metadata, trace_id, needs_reconciliation, inserted_at)
    OVERRIDING SYSTEM VALUE
    SELECT id, tenant_id, delivery_id, type, occurred_at, idempotency_key, reject_reason, normalized_payload, metadata, trace_id, needs_reconciliation, inserted_at
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
    (SELECT pg_catalog.count(*) FROM staying_events) AS events;

-- a statement of retention_preview.sql

-- a statement of retention_begin.sql

CREATE TRIGGER mailglass_events_await_reconciliation_trigger AFTER INSERT ON mailglass_events_next FOR EACH ROW WHEN (new.needs_reconciliation) EXECUTE FUNCTION mailglass_await_reconciliation();
CREATE TRIGGER mailglass_events_immutable_statement_trigger BEFORE DELETE OR UPDATE OR TRUNCATE ON mailglass_events_next FOR EACH STATEMENT EXECUTE FUNCTION mailglass_raise_immutability();
CREATE TRIGGER mailglass_events_immutable_trigger BEFORE DELETE OR UPDATE ON mailglass_events_next FOR EACH ROW EXECUTE FUNCTION mailglass_raise_immutability();
ALTER TABLE mailglass_events_next ENABLE ALWAYS TRIGGER mailglass_events_immutable_statement_trigger;
ALTER TABLE mailglass_events_next ENABLE ALWAYS TRIGGER mailglass_events_immutable_trigger;
COMMENT ON TRIGGER mailglass_events_await_reconciliation_trigger ON mailglass_events_next IS 'Inserts a link for an orphan that another application appends.';
COMMENT ON TRIGGER mailglass_events_immutable_statement_trigger ON mailglass_events_next IS 'Rejects TRUNCATE, and statements that match no row.';
COMMENT ON TRIGGER mailglass_events_immutable_trigger ON mailglass_events_next IS 'Rejects every UPDATE and DELETE of a row, including MERGE and ON CONFLICT DO UPDATE.';
DROP TRIGGER mailglass_cut_note_trigger ON mailglass_event_links;
DROP TRIGGER mailglass_cut_note_trigger ON mailglass_events;
DROP TRIGGER mailglass_events_await_reconciliation_trigger ON mailglass_events;
REVOKE INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON mailglass_events FROM postgres CASCADE;
ALTER TABLE mailglass_events RENAME TO mailglass_events_until_20241004;
ALTER INDEX mailglass_events_delivery_idx RENAME TO mailglass_events_until_20241004_delivery_idx;
ALTER INDEX mailglass_events_idempotency_key_idx RENAME TO mailglass_events_until_20241004_idempotency_key_idx;
ALTER INDEX mailglass_events_needs_reconcile_idx RENAME TO mailglass_events_until_20241004_needs_reconcile_idx;
ALTER INDEX mailglass_events_pkey RENAME TO mailglass_events_until_20241004_pkey;
ALTER INDEX mailglass_events_tenant_recent_idx RENAME TO mailglass_events_until_20241004_tenant_recent_idx;
ALTER TABLE mailglass_events_next RENAME TO mailglass_events;
ALTER INDEX mailglass_events_next_3 RENAME TO mailglass_events_delivery_idx;
ALTER INDEX mailglass_events_next_2 RENAME TO mailglass_events_idempotency_key_idx;
ALTER INDEX mailglass_events_next_5 RENAME TO mailglass_events_needs_reconcile_idx;
ALTER INDEX mailglass_events_next_1 RENAME TO mailglass_events_pkey;
ALTER INDEX mailglass_events_next_4 RENAME TO mailglass_events_tenant_recent_idx;
COMMENT ON TABLE mailglass_events_until_20241004 IS 'The ledger before mailglass::retention cut it at 2024-10-04T00:16:40Z: all events up to the cut, also those that stay. Nobody can change or insert rows.';

-- Records that the old ledger is out of use.
UPDATE mailglass_cut
SET
    phase = 'details',
    events_kept = events_kept + $1,
    deliveries_left = $2,
    links_left = $3,
    events_left = $4;

COMMIT;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

-- a statement of retention_preview.sql

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;

-- Settings for one step. search_path: names are those of the schema of the ledger, and PostgreSQL prints the same definitions in
-- every session. row_security: a statement from which a policy hides rows fails. statement_timeout: a step is bounded by its batch,
-- except the one that builds an index.
SELECT
    pg_catalog.set_config('search_path', pg_catalog.quote_ident($1) || ', pg_temp', true),
    pg_catalog.set_config('row_security', 'off', true),
    pg_catalog.set_config('statement_timeout', '0', true),
    pg_catalog.set_config('quote_all_identifiers', 'off', true),
    pg_catalog.set_config('standard_conforming_strings', 'on', true);

-- Locks the state of the cut, so that two processes take turns.
SELECT only_one FROM mailglass_cut FOR UPDATE;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

-- Deletes the details of events that left, a batch at a time.
WITH done AS (
    DELETE FROM mailglass_cut_events
    WHERE event_id = ANY (ARRAY(SELECT event_id FROM mailglass_cut_events LIMIT $1))
    RETURNING event_id
),
deleted AS (
    DELETE FROM mailglass_event_details AS details
    USING done
    WHERE details.event_id = done.event_id
    RETURNING details.event_id
)
UPDATE mailglass_cut
SET
    details_left = details_left + (SELECT pg_catalog.count(*) FROM deleted),
    phase = CASE WHEN (SELECT pg_catalog.count(*) FROM done) < $1 THEN 'finish' ELSE phase END;

COMMIT;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

-- a statement of retention_preview.sql

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

-- The session's lock_timeout in milliseconds; 0 means none.
SELECT setting::bigint AS milliseconds
FROM pg_catalog.pg_settings
WHERE name = 'lock_timeout';

BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;

-- Settings for one step. search_path: names are those of the schema of the ledger, and PostgreSQL prints the same definitions in
-- every session. row_security: a statement from which a policy hides rows fails. statement_timeout: a step is bounded by its batch,
-- except the one that builds an index.
SELECT
    pg_catalog.set_config('search_path', pg_catalog.quote_ident($1) || ', pg_temp', true),
    pg_catalog.set_config('row_security', 'off', true),
    pg_catalog.set_config('statement_timeout', '0', true),
    pg_catalog.set_config('quote_all_identifiers', 'off', true),
    pg_catalog.set_config('standard_conforming_strings', 'on', true);

-- Locks the state of the cut, so that two processes take turns.
SELECT only_one FROM mailglass_cut FOR UPDATE;

-- Reads the state of the cut.
SELECT
    before, keeps_old, kept_as, batch, phase, position, columns, creating, building, swapping, built, deliveries, events,
    deliveries_checked, events_checked, deliveries_left, events_left, events_kept, links_left, details_left, began_at
FROM public.mailglass_cut;

-- Locks tables, or reports that they are in use. The block is a savepoint: if it fails, it releases every lock.
DO $do$
DECLARE
    callers_timeout text := pg_catalog.current_setting('lock_timeout');
BEGIN
    PERFORM pg_catalog.set_config('lock_timeout', least(100, greatest(setting::bigint / 4, 1))::text, true)
    FROM pg_catalog.pg_settings
    WHERE name = 'deadlock_timeout';
    LOCK TABLE mailglass_events_until_20241004 IN ACCESS EXCLUSIVE MODE;
    PERFORM pg_catalog.set_config('lock_timeout', callers_timeout, true);
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    RAISE EXCEPTION USING
        ERRCODE = 'lock_not_available',
        MESSAGE = 'the tables are in use',
        DETAIL = 'mailglass:in_use';
END
$do$;

DROP TABLE mailglass_events_until_20241004;

DROP TABLE mailglass_cut, mailglass_cut_arrivals, mailglass_cut_deliveries, mailglass_cut_events;

DROP FUNCTION mailglass_cut_note_event(), mailglass_cut_note_link();

COMMIT;
