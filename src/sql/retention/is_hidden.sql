-- Whether row-level security hides details from this role.
SELECT coalesce(pg_catalog.row_security_active(pg_catalog.to_regclass('mailglass_event_details')::oid), false) AS is_hidden
