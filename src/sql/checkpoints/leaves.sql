-- Makes `:leaves`: for each event of `:table` in the range, its slice and its leaf. docs/checkpoints.md documents the bytes.
--
-- record_send writes the length of each field, so no two rows have the same bytes, and NULL differs from an empty text. The
-- types are built in, because the number of an enum type differs between databases. Texts are converted to UTF-8, because
-- the binary form of text depends on the encoding of the client. No other setting of the session changes a byte.
:leaves AS (
    SELECT
        -- -infinity counts as the earliest time of PostgreSQL.
        pg_catalog.floor(
            extract(epoch FROM greatest(inserted_at, pg_catalog.to_timestamp(-210866803200)))
                OPERATOR(pg_catalog./) :width
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
    FROM :table
    WHERE tenant_id = :tenant
      AND (:since IS NULL OR :since <= inserted_at)
      AND :until > inserted_at
    OFFSET 0
)
