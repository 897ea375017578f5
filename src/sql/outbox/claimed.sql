-- Returns the claimed deliveries. A pseudonym of an erased person gets no mail.
SELECT
    :deliveries(found),
    examined.attempts,
    examined.last_attempt IN ('begun', 'unknown') AS is_unknown,
    suppressed.reason AS suppression_reason,
    found.recipient LIKE '%@erased.invalid' AS is_erased
FROM leased
JOIN examined ON examined.delivery_id = leased.delivery_id
CROSS JOIN LATERAL (SELECT (examined.found).*) AS found
LEFT JOIN suppressed ON suppressed.row_id = leased.delivery_id
WHERE examined.outcome = 'leased'
ORDER BY found.stream, found.inserted_at, found.id
