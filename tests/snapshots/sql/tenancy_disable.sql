BEGIN;

ALTER TABLE mailglass_deliveries DISABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS mailglass_tenant ON mailglass_deliveries;

ALTER TABLE mailglass_erasures DISABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS mailglass_tenant ON mailglass_erasures;

ALTER TABLE mailglass_event_details DISABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS mailglass_tenant ON mailglass_event_details;

ALTER TABLE mailglass_event_links DISABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS mailglass_tenant ON mailglass_event_links;

ALTER TABLE mailglass_events DISABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS mailglass_tenant ON mailglass_events;

ALTER TABLE mailglass_outbox DISABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS mailglass_tenant ON mailglass_outbox;

ALTER TABLE mailglass_outbox_usage DISABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS mailglass_tenant ON mailglass_outbox_usage;

ALTER TABLE mailglass_suppressions DISABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS mailglass_tenant ON mailglass_suppressions;

COMMIT;
