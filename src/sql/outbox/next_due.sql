SELECT extract(epoch FROM pg_catalog.min(available_at) - pg_catalog.statement_timestamp())::double precision
FROM heads
