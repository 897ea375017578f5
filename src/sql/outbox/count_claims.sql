-- Reads `examined`, `picked` and `windows`. Makes `counted`: adds the leased rows to the windows.
counted AS (
    INSERT INTO mailglass_outbox_usage AS used (tenant_id, recipient_domain, window_seconds, window_ends_at, claims)
    SELECT
        picked.tenant_id,
        CASE WHEN windows.is_of_domain THEN picked.recipient_domain ELSE '' END AS recipient_domain,
        windows.seconds,
        windows.ends_at,
        pg_catalog.count(*)
    FROM picked
    JOIN examined ON examined.delivery_id = picked.delivery_id
    CROSS JOIN windows
    WHERE examined.outcome = 'leased'
    GROUP BY 1, 2, 3, 4
    ON CONFLICT (tenant_id, recipient_domain, window_seconds) DO UPDATE
    SET
        window_ends_at = excluded.window_ends_at,
        claims = CASE WHEN used.window_ends_at = excluded.window_ends_at THEN used.claims ELSE 0 END + excluded.claims
)
