-- Reads `unchecked` and `suppressed`. Makes `input`: the same rows, each with the first event `suppressed` if its recipient is
-- suppressed.
input AS (
    SELECT
        unchecked.id,
        unchecked.tenant_id,
        unchecked.mailable,
        unchecked.stream,
        unchecked.recipient,
        unchecked.recipient_domain,
        unchecked.provider,
        unchecked.provider_message_id,
        unchecked.metadata,
        unchecked.idempotency_key,
        unchecked.event_id,
        CASE WHEN suppressed.row_id IS NULL THEN unchecked.event_type ELSE 'suppressed' END AS event_type,
        (:reject_reasons)[
            pg_catalog.array_position(:suppression_reasons, suppressed.reason::text)
        ]::mailglass_reject_reason AS reject_reason,
        unchecked.occurred_at,
        unchecked.is_sent AND suppressed.row_id IS NULL AS is_sent,
        unchecked.send_at
    FROM unchecked
    LEFT JOIN suppressed ON suppressed.row_id = unchecked.id
)
