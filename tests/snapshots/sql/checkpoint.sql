WITH -- Makes `chosen`: the end of the range.
chosen AS (
    SELECT coalesce($1, pg_catalog.now() - pg_catalog.make_interval(secs => $2)) AS until
),
-- Reads `chosen`. Makes `open`: the transactions that may still append events with an `inserted_at` before the end of the range.
--
-- A transaction holds the lock on its virtual id until it has ended, whether or not it writes. Processes without a user, such
-- as autovacuum, append nothing. The start of another role's transaction is hidden from roles without pg_read_all_stats; then
-- the transaction counts as old.
open AS (
    SELECT held.virtualxid
    FROM pg_catalog.pg_locks AS held
    LEFT JOIN pg_catalog.pg_stat_activity AS activity ON activity.pid = held.pid
    WHERE held.locktype = 'virtualxid'
      AND held.mode = 'ExclusiveLock'
      AND held.pid <> pg_catalog.pg_backend_pid()
      AND (
          activity.pid IS NULL
          OR (
              activity.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
              AND activity.usesysid IS NOT NULL
              AND (activity.xact_start OPERATOR(pg_catalog.>=) (SELECT until FROM chosen)) IS NOT TRUE
          )
      )
)
-- Reads `chosen` and `open`. Returns the end of the range, what prevents a final checkpoint, and the transactions to wait for.
SELECT
    chosen.until,
    chosen.until <= pg_catalog.now() AS is_past,
    pg_catalog.pg_is_in_recovery() AS is_replica,
    pg_catalog.current_setting('transaction_isolation') = 'read committed' AS sees_later_commits,
    ARRAY(SELECT virtualxid FROM open) AS open
FROM chosen;

-- Returns the processes whose transaction is one of these and has not ended.
SELECT held.pid
FROM pg_catalog.pg_locks AS held
WHERE held.locktype = 'virtualxid'
  AND held.mode = 'ExclusiveLock'
  AND held.virtualxid = ANY ($1)
  AND held.pid IS NOT NULL
ORDER BY held.pid;

-- Returns the prepared transactions of this database: those with one of these ids, or all. A transaction that was open has no
-- virtual id any more after PREPARE TRANSACTION.
SELECT prepared.transaction::text AS id, prepared.gid
FROM pg_catalog.pg_prepared_xacts AS prepared
WHERE prepared.database OPERATOR(pg_catalog.=) pg_catalog.current_database()
  AND ($1 IS NULL OR prepared.transaction::text = ANY ($1))
ORDER BY prepared.gid;

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
)
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
ORDER BY slice;

COMMIT;

-- Returns the SHA-256 of each text, in order.
SELECT pg_catalog.sha256(given.bytes) AS digest
FROM pg_catalog.unnest($1) WITH ORDINALITY AS given (bytes, position)
ORDER BY given.position;
