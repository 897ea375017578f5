-- Whether policies apply to what the session reads. It names no table, so that Citus executes it where the session is.
SELECT pg_catalog.row_security_active('mailglass_deliveries') AS is_active
