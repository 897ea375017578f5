BEGIN;

DROP POLICY IF EXISTS mailglass_tenant ON mailglass_deliveries;

CREATE POLICY mailglass_tenant ON mailglass_deliveries
    USING (CASE WHEN tenant_id = (SELECT nullif(pg_catalog.current_setting('mailglass.tenant_id', true), '')) THEN true ELSE false END);

ALTER TABLE mailglass_deliveries ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS mailglass_tenant ON mailglass_erasures;

CREATE POLICY mailglass_tenant ON mailglass_erasures
    USING (CASE WHEN tenant_id = (SELECT nullif(pg_catalog.current_setting('mailglass.tenant_id', true), '')) THEN true ELSE false END);

ALTER TABLE mailglass_erasures ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS mailglass_tenant ON mailglass_event_details;

CREATE POLICY mailglass_tenant ON mailglass_event_details
    USING (CASE WHEN tenant_id = (SELECT nullif(pg_catalog.current_setting('mailglass.tenant_id', true), '')) THEN true ELSE false END);

ALTER TABLE mailglass_event_details ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS mailglass_tenant ON mailglass_event_links;

CREATE POLICY mailglass_tenant ON mailglass_event_links
    USING (CASE WHEN tenant_id = (SELECT nullif(pg_catalog.current_setting('mailglass.tenant_id', true), '')) THEN true ELSE false END);

ALTER TABLE mailglass_event_links ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS mailglass_tenant ON mailglass_events;

CREATE POLICY mailglass_tenant ON mailglass_events
    USING (CASE WHEN tenant_id = (SELECT nullif(pg_catalog.current_setting('mailglass.tenant_id', true), '')) THEN true ELSE false END);

ALTER TABLE mailglass_events ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS mailglass_tenant ON mailglass_outbox;

CREATE POLICY mailglass_tenant ON mailglass_outbox
    USING (CASE WHEN tenant_id = (SELECT nullif(pg_catalog.current_setting('mailglass.tenant_id', true), '')) THEN true ELSE false END);

ALTER TABLE mailglass_outbox ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS mailglass_tenant ON mailglass_outbox_usage;

CREATE POLICY mailglass_tenant ON mailglass_outbox_usage
    USING (CASE WHEN tenant_id = (SELECT nullif(pg_catalog.current_setting('mailglass.tenant_id', true), '')) THEN true ELSE false END);

ALTER TABLE mailglass_outbox_usage ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS mailglass_tenant ON mailglass_suppressions;

CREATE POLICY mailglass_tenant ON mailglass_suppressions
    USING (CASE WHEN tenant_id = (SELECT nullif(pg_catalog.current_setting('mailglass.tenant_id', true), '')) THEN true ELSE false END);

ALTER TABLE mailglass_suppressions ENABLE ROW LEVEL SECURITY;

COMMIT;
