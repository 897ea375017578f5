ALTER TABLE mailglass_deliveries RESET (fillfactor);

DROP INDEX mailglass_deliveries_tenant_recipient_domain_idx;
CREATE INDEX mailglass_deliveries_tenant_recipient_domain_idx
    ON mailglass_deliveries (tenant_id, recipient_domain, last_event_at DESC);

DROP INDEX mailglass_deliveries_tenant_stream_terminal_idx;
CREATE INDEX mailglass_deliveries_tenant_stream_terminal_idx
    ON mailglass_deliveries (tenant_id, stream, terminal, last_event_at DESC);

DROP INDEX mailglass_deliveries_tenant_recent_idx;
CREATE INDEX mailglass_deliveries_tenant_recent_idx
    ON mailglass_deliveries (tenant_id, last_event_at DESC);
