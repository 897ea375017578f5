BEGIN;

-- a statement of privacy_export.sql

WITH person AS (
    SELECT
        $1 AS tenant_id,
        $2 AS recipient,
        $3 AS keep_domain
    OFFSET 0
),
-- Reads `person`. Makes `found`: locks the deliveries to the person, in the order of their ids, as `record` does.
-- The pseudonym is computed here, because Citus rejects a VOLATILE function in an UPDATE. It is in a domain that never exists
-- (RFC 2606), so that no mail can be sent to it.
found AS (
    SELECT
        delivery.id,
        pg_catalog.concat(
            'erased-', pg_catalog.replace(pg_catalog.gen_random_uuid()::text, '-', ''), '@erased.invalid'
        ) AS pseudonym
    FROM person
    CROSS JOIN LATERAL (
        SELECT delivery.id
        FROM mailglass_deliveries AS delivery
        WHERE delivery.tenant_id = person.tenant_id
          AND pg_catalog.lower(delivery.recipient COLLATE "C") = pg_catalog.lower(person.recipient COLLATE "C")
        ORDER BY delivery.id
        FOR NO KEY UPDATE
    ) AS delivery
)
-- Reads `person` and `found`. Replaces the recipients, and returns the deliveries.
UPDATE mailglass_deliveries AS delivery
SET
    recipient = found.pseudonym,
    recipient_domain = CASE WHEN person.keep_domain THEN delivery.recipient_domain ELSE 'erased.invalid' END,
    -- As in write_projections.sql.
    lock_version = CASE WHEN delivery.lock_version = 2147483647 THEN 1 ELSE delivery.lock_version + 1 END,
    updated_at = pg_catalog.now()
FROM (SELECT * FROM found LIMIT (SELECT NULL::bigint)) AS found
CROSS JOIN person
WHERE delivery.id = found.id
RETURNING delivery.id;

UPDATE "mailglass_outbox"
SET "recipient_domain" = $1
WHERE ("mailglass_outbox"."delivery_id" = ANY($2));

WITH person AS (
    SELECT
        $1 AS tenant_id,
        $2 AS recipient,
        $3 AS keep_domain
    OFFSET 0
),
-- Reads `person`. Makes `found`: the events that name the person and have no delivery, each with a pseudonym. Links of other events
-- have no recipient. The two halves match the conditions of the indexes by tenant.
found AS MATERIALIZED (
    SELECT
        link.event_id,
        pg_catalog.concat(
            'erased-', pg_catalog.replace(pg_catalog.gen_random_uuid()::text, '-', ''), '@erased.invalid'
        ) AS pseudonym
    FROM person
    CROSS JOIN LATERAL (
        SELECT event_id, recipient
        FROM mailglass_event_links
        WHERE tenant_id = person.tenant_id AND linked_at IS NULL AND expired_at IS NULL
        UNION ALL
        SELECT event_id, recipient
        FROM mailglass_event_links
        WHERE tenant_id = person.tenant_id AND expired_at IS NOT NULL
    ) AS link
    WHERE pg_catalog.lower(link.recipient COLLATE "C") = pg_catalog.lower(person.recipient COLLATE "C")
)
-- Reads `found`. Replaces the recipients, and returns the events. NULL would match any recipient of the message, and so link
-- the event to somebody else's delivery.
-- A link that was completed meanwhile has no recipient any more.
UPDATE mailglass_event_links AS link
SET recipient = found.pseudonym
FROM (SELECT * FROM found LIMIT (SELECT NULL::bigint)) AS found
WHERE link.event_id = found.event_id
  AND link.linked_at IS NULL
RETURNING link.event_id;

WITH subject AS (
    SELECT
        pg_catalog.unnest(tenant_id) AS tenant_id,
        pg_catalog.unnest(delivery_id) AS delivery_id
    FROM (
        SELECT
            $1 AS tenant_id,
            $2 AS delivery_id
        OFFSET 0
    ) AS batch
),
-- Reads `subject` (tenant_id, delivery_id). Makes `timeline`: the facts of each delivery, which are the events that found it
-- when they were appended, and those that were linked to it later. It never reads another tenant's.
-- OFFSET 0 keeps the planner to the indexes by delivery and by id. If the tables were small or not analyzed yet, it would
-- read a tenant's whole ledger for each delivery, and a connection keeps such a plan until the next ANALYZE.
-- Measured: 30 s to rebuild 20,000 deliveries.
timeline AS (
    SELECT subject.delivery_id AS timeline_of, own.*
    FROM subject
    CROSS JOIN LATERAL (
        SELECT * FROM mailglass_events AS event WHERE event.delivery_id = subject.delivery_id OFFSET 0
    ) AS own
    WHERE own.tenant_id = subject.tenant_id
      -- An event that named its delivery before it existed becomes a fact when it is linked.
      AND NOT own.needs_reconciliation
    UNION ALL
    SELECT subject.delivery_id AS timeline_of, linked.*
    FROM subject
    CROSS JOIN LATERAL (
        SELECT * FROM mailglass_event_links AS link WHERE link.delivery_id = subject.delivery_id OFFSET 0
    ) AS link
    CROSS JOIN LATERAL (
        SELECT * FROM mailglass_events AS event WHERE event.id = link.event_id OFFSET 0
    ) AS linked
    WHERE link.tenant_id = subject.tenant_id
      AND linked.tenant_id = subject.tenant_id
)
-- Reads `timeline`. Deletes the details of its events.
DELETE FROM mailglass_event_details AS details
USING (SELECT id FROM timeline LIMIT (SELECT NULL::bigint)) AS event
WHERE details.event_id = event.id
RETURNING details.event_id;

SELECT "mailglass_event_links"."event_id"
FROM "mailglass_event_links"
WHERE ((("mailglass_event_links"."tenant_id" = $1) AND ("mailglass_event_links"."linked_at" IS NULL)) AND ("mailglass_event_links"."named_delivery_id" = ANY($2)));

DELETE
FROM "mailglass_event_details"
WHERE ("mailglass_event_details"."event_id" = ANY($1));

WITH person AS (
    SELECT
        $1 AS tenant_id,
        $2 AS recipient,
        $3 AS keep_domain
    OFFSET 0
)
-- Reads `person`. Deletes the details of events that name only the recipient.
DELETE FROM mailglass_event_details AS details
USING person
WHERE details.tenant_id = person.tenant_id
  AND pg_catalog.lower(details.recipient COLLATE "C") = pg_catalog.lower(person.recipient COLLATE "C")
RETURNING details.event_id;

WITH person AS (
    SELECT
        $1 AS tenant_id,
        $2 AS recipient,
        $3 AS keep_domain
    OFFSET 0
),
-- Reads `person`. Makes `subjects`: the address, for its digest.
subjects AS (
    SELECT tenant_id, recipient AS address
    FROM person
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
-- Reads `digested`. Makes `found`: locks the suppressions of the address that still have it, in the order in which a batch inserts
-- them.
found AS (
    SELECT suppression.id
    FROM digested
    CROSS JOIN LATERAL (
        SELECT suppression.id
        FROM mailglass_suppressions AS suppression
        WHERE suppression.tenant_id = digested.tenant_id
          AND suppression.digest = digested.digest
          AND suppression.address IS NOT NULL
        ORDER BY suppression.scope, suppression.stream, suppression.reason
        FOR NO KEY UPDATE
    ) AS suppression
)
-- Reads `found`. Removes the addresses, and returns the suppressions. They stay in force, by their digests.
UPDATE mailglass_suppressions AS suppression
SET address = NULL
FROM (SELECT * FROM found LIMIT (SELECT NULL::bigint)) AS found
WHERE suppression.id = found.id
RETURNING suppression.id;

INSERT INTO "mailglass_erasures" ("id", "tenant_id", "deliveries", "event_details", "event_links", "suppressions",
    "domain_kept") VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING "mailglass_erasures"."id", "mailglass_erasures"."tenant_id", "mailglass_erasures"."deliveries",
    "mailglass_erasures"."event_details", "mailglass_erasures"."event_links", "mailglass_erasures"."suppressions",
    "mailglass_erasures"."domain_kept", "mailglass_erasures"."erased_at";

WITH subject AS (
    SELECT
        pg_catalog.unnest(tenant_id) AS tenant_id,
        pg_catalog.unnest(delivery_id) AS delivery_id,
        pg_catalog.unnest(needle) AS needle,
        pg_catalog.unnest(json_needle) AS json_needle
    FROM (
        SELECT
            $1 AS tenant_id,
            $2 AS delivery_id,
            $3 AS needle,
            $4 AS json_needle
        OFFSET 0
    ) AS batch
)
-- Reads `subject`. Returns the deliveries that contain the address in a column that the application fills, and these columns.
SELECT
    delivery.id,
    mentions.in_columns
FROM subject
CROSS JOIN LATERAL (
    SELECT * FROM mailglass_deliveries AS delivery WHERE delivery.id = subject.delivery_id OFFSET 0
) AS delivery
CROSS JOIN LATERAL (
    SELECT pg_catalog.array_remove(ARRAY[
        CASE
            WHEN pg_catalog.strpos(pg_catalog.lower(delivery.metadata::text COLLATE "C"), subject.json_needle) > 0
                THEN 'metadata'
        END,
        CASE
            WHEN pg_catalog.strpos(pg_catalog.lower(delivery.last_error::text COLLATE "C"), subject.json_needle) > 0
                THEN 'last_error'
        END,
        CASE
            WHEN pg_catalog.strpos(pg_catalog.lower(delivery.idempotency_key COLLATE "C"), subject.needle) > 0
                THEN 'idempotency_key'
        END
    ], NULL) AS in_columns
) AS mentions
WHERE delivery.tenant_id = subject.tenant_id
  AND pg_catalog.cardinality(mentions.in_columns) > 0;

WITH subject AS (
    SELECT
        pg_catalog.unnest(tenant_id) AS tenant_id,
        pg_catalog.unnest(delivery_id) AS delivery_id,
        pg_catalog.unnest(needle) AS needle,
        pg_catalog.unnest(json_needle) AS json_needle
    FROM (
        SELECT
            $1 AS tenant_id,
            $2 AS delivery_id,
            $3 AS needle,
            $4 AS json_needle
        OFFSET 0
    ) AS batch
),
-- Reads `subject` (tenant_id, delivery_id). Makes `timeline`: the facts of each delivery, which are the events that found it
-- when they were appended, and those that were linked to it later. It never reads another tenant's.
-- OFFSET 0 keeps the planner to the indexes by delivery and by id. If the tables were small or not analyzed yet, it would
-- read a tenant's whole ledger for each delivery, and a connection keeps such a plan until the next ANALYZE.
-- Measured: 30 s to rebuild 20,000 deliveries.
timeline AS (
    SELECT subject.delivery_id AS timeline_of, own.*
    FROM subject
    CROSS JOIN LATERAL (
        SELECT * FROM mailglass_events AS event WHERE event.delivery_id = subject.delivery_id OFFSET 0
    ) AS own
    WHERE own.tenant_id = subject.tenant_id
      -- An event that named its delivery before it existed becomes a fact when it is linked.
      AND NOT own.needs_reconciliation
    UNION ALL
    SELECT subject.delivery_id AS timeline_of, linked.*
    FROM subject
    CROSS JOIN LATERAL (
        SELECT * FROM mailglass_event_links AS link WHERE link.delivery_id = subject.delivery_id OFFSET 0
    ) AS link
    CROSS JOIN LATERAL (
        SELECT * FROM mailglass_events AS event WHERE event.id = link.event_id OFFSET 0
    ) AS linked
    WHERE link.tenant_id = subject.tenant_id
      AND linked.tenant_id = subject.tenant_id
)
-- Reads `subject` and `timeline`. Returns the events that contain the address, and in which columns.
SELECT
    event.id,
    mentions.in_columns
FROM timeline AS event
CROSS JOIN LATERAL (SELECT * FROM subject LIMIT 1) AS subject
CROSS JOIN LATERAL (
    SELECT pg_catalog.array_remove(ARRAY[
        CASE
            WHEN pg_catalog.strpos(pg_catalog.lower(event.normalized_payload::text COLLATE "C"), subject.json_needle) > 0
                THEN 'normalized_payload'
        END,
        CASE
            WHEN pg_catalog.strpos(pg_catalog.lower(event.metadata::text COLLATE "C"), subject.json_needle) > 0
                THEN 'metadata'
        END,
        CASE
            WHEN pg_catalog.strpos(pg_catalog.lower(event.idempotency_key COLLATE "C"), subject.needle) > 0
                THEN 'idempotency_key'
        END,
        CASE
            WHEN pg_catalog.strpos(pg_catalog.lower(event.trace_id COLLATE "C"), subject.needle) > 0
                THEN 'trace_id'
        END
    ], NULL) AS in_columns
) AS mentions
WHERE pg_catalog.cardinality(mentions.in_columns) > 0;

COMMIT;
