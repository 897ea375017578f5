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
RETURNING delivery.id
