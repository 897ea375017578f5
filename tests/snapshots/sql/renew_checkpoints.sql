-- Returns whether `search_path` finds a table of this name.
SELECT pg_catalog.to_regclass(pg_catalog.quote_ident($1)) IS NOT NULL AS exists;

-- Returns the SHA-256 of each text, in order.
SELECT pg_catalog.sha256(given.bytes) AS digest
FROM pg_catalog.unnest($1) WITH ORDINALITY AS given (bytes, position)
ORDER BY given.position;

BEGIN;

-- a statement of privacy_export.sql

WITH -- Makes `leaves`: for each event of `mailglass_events` in the range, its slice and its leaf. docs/checkpoints.md documents the bytes.
--
-- record_send writes the length of each field, so no two rows have the same bytes, and NULL differs from an empty text. The
-- types are built in, because the number of an enum type differs between databases. Texts are converted to UTF-8, because
-- the binary form of text depends on the encoding of the client. No other setting of the session changes a byte.
leaves AS (
    SELECT
        -- -infinity counts as the earliest time of PostgreSQL.
        pg_catalog.floor(
            extract(epoch FROM greatest(inserted_at, pg_catalog.to_timestamp(-210866803200)))
                OPERATOR(pg_catalog./) $4
        )::bigint AS slice,
        pg_catalog.sha256(pg_catalog.record_send(ROW (
            id,
            pg_catalog.convert_to(tenant_id, 'UTF8'),
            delivery_id,
            pg_catalog.convert_to(type::text, 'UTF8'),
            occurred_at,
            pg_catalog.convert_to(idempotency_key, 'UTF8'),
            pg_catalog.convert_to(reject_reason::text, 'UTF8'),
            pg_catalog.convert_to(normalized_payload::text, 'UTF8'),
            pg_catalog.convert_to(metadata::text, 'UTF8'),
            pg_catalog.convert_to(trace_id, 'UTF8'),
            needs_reconciliation,
            inserted_at
        ))) AS leaf
    FROM mailglass_events
    WHERE tenant_id = $1
      AND ($2 IS NULL OR $2 <= inserted_at)
      AND $3 > inserted_at
    OFFSET 0
),
-- Makes `kept_leaves`: for each event of `"mailglass_events"` in the range, its slice and its leaf. docs/checkpoints.md documents the bytes.
--
-- record_send writes the length of each field, so no two rows have the same bytes, and NULL differs from an empty text. The
-- types are built in, because the number of an enum type differs between databases. Texts are converted to UTF-8, because
-- the binary form of text depends on the encoding of the client. No other setting of the session changes a byte.
kept_leaves AS (
    SELECT
        -- -infinity counts as the earliest time of PostgreSQL.
        pg_catalog.floor(
            extract(epoch FROM greatest(inserted_at, pg_catalog.to_timestamp(-210866803200)))
                OPERATOR(pg_catalog./) $4
        )::bigint AS slice,
        pg_catalog.sha256(pg_catalog.record_send(ROW (
            id,
            pg_catalog.convert_to(tenant_id, 'UTF8'),
            delivery_id,
            pg_catalog.convert_to(type::text, 'UTF8'),
            occurred_at,
            pg_catalog.convert_to(idempotency_key, 'UTF8'),
            pg_catalog.convert_to(reject_reason::text, 'UTF8'),
            pg_catalog.convert_to(normalized_payload::text, 'UTF8'),
            pg_catalog.convert_to(metadata::text, 'UTF8'),
            pg_catalog.convert_to(trace_id, 'UTF8'),
            needs_reconciliation,
            inserted_at
        ))) AS leaf
    FROM "mailglass_events"
    WHERE tenant_id = $1
      AND ($2 IS NULL OR $2 <= inserted_at)
      AND $3 > inserted_at
    OFFSET 0
),
-- Reads `leaves` and `kept_leaves`. Makes `all_leaves`: the leaves of both, each once, because a kept table may also have the
-- events that remain.
all_leaves AS (
    SELECT slice, leaf FROM leaves
    UNION
    SELECT slice, leaf FROM kept_leaves
)
-- Reads `leaves` and `all_leaves`. Returns the slices of both, from one snapshot: nobody can change an event in between.
SELECT true AS remains, remaining.*
FROM (
-- Reads `leaves`. Returns the digest and the number of the events of each slice.
--
-- The leaves of a slice are hashed in groups by their first byte, so that at most one of 256 parts of a slice is in memory. The
-- sort that precedes it spills to disk.
SELECT
    slice,
    pg_catalog.sum(events)::bigint AS events,
    pg_catalog.sha256(pg_catalog.string_agg(
        pg_catalog.int8send(events) OPERATOR(pg_catalog.||) digest, '' ORDER BY first_byte
    )) AS digest
FROM (
    SELECT
        slice,
        first_byte,
        pg_catalog.count(*) AS events,
        pg_catalog.sha256(pg_catalog.string_agg(leaf, '' ORDER BY leaf)) AS digest
    FROM (SELECT slice, leaf, pg_catalog.get_byte(leaf, 0) AS first_byte FROM leaves) AS placed
    GROUP BY slice, first_byte
) AS part
GROUP BY slice
ORDER BY slice
) AS remaining
UNION ALL
SELECT false, everything.*
FROM (
-- Reads `all_leaves`. Returns the digest and the number of the events of each slice.
--
-- The leaves of a slice are hashed in groups by their first byte, so that at most one of 256 parts of a slice is in memory. The
-- sort that precedes it spills to disk.
SELECT
    slice,
    pg_catalog.sum(events)::bigint AS events,
    pg_catalog.sha256(pg_catalog.string_agg(
        pg_catalog.int8send(events) OPERATOR(pg_catalog.||) digest, '' ORDER BY first_byte
    )) AS digest
FROM (
    SELECT
        slice,
        first_byte,
        pg_catalog.count(*) AS events,
        pg_catalog.sha256(pg_catalog.string_agg(leaf, '' ORDER BY leaf)) AS digest
    FROM (SELECT slice, leaf, pg_catalog.get_byte(leaf, 0) AS first_byte FROM all_leaves) AS placed
    GROUP BY slice, first_byte
) AS part
GROUP BY slice
ORDER BY slice
) AS everything;

COMMIT;

-- Returns the SHA-256 of each text, in order.
SELECT pg_catalog.sha256(given.bytes) AS digest
FROM pg_catalog.unnest($1) WITH ORDINALITY AS given (bytes, position)
ORDER BY given.position;
