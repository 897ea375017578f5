//! Missing and changed labels, types, tables, columns, constraints, indexes, triggers and functions are reported.

use super::assert_reported;

#[test]
fn every_kind_of_change_is_reported() {
    assert_reported(&[
        // Labels.
        ("ALTER TYPE mailglass_stream ADD VALUE 'junk' BEFORE 'bulk'", &["+ Label mailglass_stream.junk"]),
        (
            "ALTER TYPE mailglass_stream RENAME VALUE 'bulk' TO 'mass'",
            &["+ Label mailglass_stream.mass", "- Label mailglass_stream.bulk"],
        ),
        (
            "ALTER TYPE mailglass_stream RENAME VALUE 'bulk' TO 'x';
             ALTER TYPE mailglass_stream RENAME VALUE 'operational' TO 'bulk';
             ALTER TYPE mailglass_stream RENAME VALUE 'x' TO 'operational'",
            // A generated column names the labels.
            &["~ Column mailglass_outbox.stream_rank", "~ Type mailglass_stream"],
        ),
        (
            "DROP TYPE mailglass_reject_reason CASCADE",
            &["- Column mailglass_events.reject_reason", "- Type mailglass_reject_reason"],
        ),
        // The columns of a missing table are not listed.
        ("DROP TABLE mailglass_event_links", &["- Table mailglass_event_links"]),
        ("ALTER TABLE mailglass_events SET UNLOGGED", &["~ Table mailglass_events"]),
        (
            "ALTER TABLE mailglass_events ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
            &[
                "- Policy mailglass_deliveries.mailglass_tenant",
                "- Policy mailglass_erasures.mailglass_tenant",
                "- Policy mailglass_event_details.mailglass_tenant",
                "- Policy mailglass_event_links.mailglass_tenant",
                "- Policy mailglass_events.mailglass_tenant",
                "- Policy mailglass_outbox.mailglass_tenant",
                "- Policy mailglass_outbox_usage.mailglass_tenant",
                "- Policy mailglass_suppressions.mailglass_tenant",
                "~ Table mailglass_deliveries",
                "~ Table mailglass_erasures",
                "~ Table mailglass_event_details",
                "~ Table mailglass_event_links",
                "~ Table mailglass_events",
                "~ Table mailglass_outbox",
                "~ Table mailglass_outbox_usage",
                "~ Table mailglass_suppressions",
            ],
        ),
        // Columns.
        ("ALTER TABLE mailglass_events DROP COLUMN trace_id", &["- Column mailglass_events.trace_id"]),
        ("ALTER TABLE mailglass_events ALTER COLUMN trace_id SET NOT NULL", &["~ Column mailglass_events.trace_id"]),
        ("ALTER TABLE mailglass_events ALTER COLUMN inserted_at DROP DEFAULT", &["~ Column mailglass_events.inserted_at"]),
        ("ALTER TABLE mailglass_events ALTER COLUMN trace_id TYPE varchar(10)", &["~ Column mailglass_events.trace_id"]),
        ("ALTER TABLE mailglass_deliveries ADD COLUMN note text", &["(+) Column mailglass_deliveries.note"]),
        (
            "ALTER TABLE mailglass_deliveries ADD COLUMN note text NOT NULL",
            &["+ Column mailglass_deliveries.note"],
        ),
        // Constraints.
        (
            "ALTER TABLE mailglass_events DROP CONSTRAINT mailglass_events_metadata_is_object",
            &["- Constraint mailglass_events.mailglass_events_metadata_is_object"],
        ),
        (
            "ALTER TABLE mailglass_events ADD CONSTRAINT to_delivery FOREIGN KEY (delivery_id) REFERENCES mailglass_deliveries",
            &["+ Constraint mailglass_events.to_delivery"],
        ),
        // Indexes.
        (
            "DROP INDEX mailglass_events_idempotency_key_idx",
            &["- Index mailglass_events.mailglass_events_idempotency_key_idx"],
        ),
        (
            "DROP INDEX mailglass_events_idempotency_key_idx;
             CREATE UNIQUE INDEX mailglass_events_idempotency_key_idx ON mailglass_events (idempotency_key)",
            &["~ Index mailglass_events.mailglass_events_idempotency_key_idx"],
        ),
        (
            "DROP INDEX mailglass_events_tenant_recent_idx;
             CREATE INDEX mailglass_events_tenant_recent_idx ON mailglass_events (tenant_id, inserted_at)",
            &["~ Index mailglass_events.mailglass_events_tenant_recent_idx"],
        ),
        (
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'mailglass_events_delivery_idx'::regclass",
            &["~ Index mailglass_events.mailglass_events_delivery_idx"],
        ),
        ("CREATE INDEX of_ours ON mailglass_events (trace_id)", &["(+) Index mailglass_events.of_ours"]),
        ("CREATE UNIQUE INDEX of_ours ON mailglass_events (trace_id)", &["+ Index mailglass_events.of_ours"]),
        // The guard must exist, be enabled, and call its own function.
        (
            "DROP TRIGGER mailglass_events_immutable_trigger ON mailglass_events",
            &["- Trigger mailglass_events.mailglass_events_immutable_trigger"],
        ),
        (
            "ALTER TABLE mailglass_events DISABLE TRIGGER mailglass_events_immutable_statement_trigger",
            &["~ Trigger mailglass_events.mailglass_events_immutable_statement_trigger"],
        ),
        (
            "ALTER TABLE mailglass_events ENABLE TRIGGER mailglass_events_immutable_trigger",
            &["~ Trigger mailglass_events.mailglass_events_immutable_trigger"],
        ),
        (
            "ALTER TABLE mailglass_events ENABLE REPLICA TRIGGER mailglass_events_immutable_trigger",
            &["~ Trigger mailglass_events.mailglass_events_immutable_trigger"],
        ),
        (
            "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
             CREATE OR REPLACE TRIGGER mailglass_events_immutable_trigger BEFORE UPDATE OR DELETE ON mailglass_events
                 FOR EACH ROW EXECUTE FUNCTION nothing();
             ALTER TABLE mailglass_events ENABLE ALWAYS TRIGGER mailglass_events_immutable_trigger",
            &["~ Trigger mailglass_events.mailglass_events_immutable_trigger"],
        ),
        (
            "CREATE OR REPLACE FUNCTION mailglass_raise_immutability() RETURNS trigger LANGUAGE plpgsql
                 SET search_path = pg_catalog, pg_temp AS 'BEGIN RETURN NEW; END'",
            &["~ Function mailglass_raise_immutability"],
        ),
        (
            "ALTER FUNCTION mailglass_raise_immutability() RESET search_path",
            &["~ Function mailglass_raise_immutability"],
        ),
        (
            "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_notify(''e'', ''''); RETURN NULL; END';
             CREATE TRIGGER tell AFTER INSERT ON mailglass_events FOR EACH ROW EXECUTE FUNCTION tell();
             CREATE TRIGGER swallow BEFORE INSERT ON mailglass_events FOR EACH ROW EXECUTE FUNCTION tell()",
            &["+ Trigger mailglass_events.swallow", "+ Trigger mailglass_events.tell"],
        ),
        // Rules are applied before triggers.
        (
            "CREATE RULE quiet AS ON UPDATE TO mailglass_events DO INSTEAD NOTHING",
            &["+ Rule mailglass_events.quiet"],
        ),
        // Two changes at once.
        (
            "DROP INDEX mailglass_events_tenant_recent_idx; ALTER TYPE mailglass_stream ADD VALUE 'junk'",
            &["+ Label mailglass_stream.junk", "- Index mailglass_events.mailglass_events_tenant_recent_idx"],
        ),
    ]);
}

#[test]
fn replica_identity_inheritance_access_method_and_enabled_triggers_are_compared() {
    assert_reported(&[
        ("ALTER TABLE mailglass_events REPLICA IDENTITY FULL", &[]),
        ("ALTER TABLE mailglass_deliveries REPLICA IDENTITY NOTHING", &[]),
        // PostgreSQL rejects an UPDATE of a published table without a replica identity.
        (
            "ALTER TABLE mailglass_deliveries REPLICA IDENTITY NOTHING; CREATE PUBLICATION everything FOR ALL TABLES",
            &["~ Table mailglass_deliveries"],
        ),
        (
            "CREATE ACCESS METHOD other TYPE TABLE HANDLER heap_tableam_handler;
             CREATE TABLE copy (LIKE mailglass_event_links INCLUDING ALL) USING other;
             DROP TABLE mailglass_event_links;
             ALTER TABLE copy RENAME TO mailglass_event_links;
             ALTER INDEX copy_pkey RENAME TO mailglass_event_links_pkey;
             ALTER INDEX copy_checked_at_idx RENAME TO mailglass_event_links_pending_idx;
             ALTER INDEX copy_tenant_id_checked_at_idx RENAME TO mailglass_event_links_tenant_pending_idx;
             ALTER INDEX copy_provider_provider_message_id_idx RENAME TO mailglass_event_links_pending_message_idx;
             ALTER INDEX copy_delivery_id_idx RENAME TO mailglass_event_links_delivery_idx;
             ALTER INDEX copy_tenant_id_expired_at_idx RENAME TO mailglass_event_links_expired_idx;
             ALTER INDEX copy_tenant_id_event_id_idx RENAME TO mailglass_event_links_unread_idx;
             CREATE TRIGGER mailglass_event_links_final_trigger
                 BEFORE UPDATE ON mailglass_event_links FOR EACH ROW
                 WHEN (OLD.delivery_id IS NOT NULL AND (OLD.event_id, OLD.tenant_id, OLD.delivery_id)
                       IS DISTINCT FROM (NEW.event_id, NEW.tenant_id, NEW.delivery_id))
                 EXECUTE FUNCTION mailglass_raise_link_is_final();
             ALTER TABLE mailglass_event_links ENABLE ALWAYS TRIGGER mailglass_event_links_final_trigger",
            &["~ Table mailglass_event_links"],
        ),
        (
            "CREATE TABLE child () INHERITS (mailglass_events); CREATE TABLE grandchild () INHERITS (child)",
            &[
                "+ Inheritance mailglass_events.child",
                "+ Inheritance mailglass_events.grandchild",
            ],
        ),
        (
            "CREATE TABLE child () INHERITS (mailglass_deliveries)",
            &["+ Inheritance mailglass_deliveries.child"],
        ),
        (
            "CREATE TABLE child () INHERITS (mailglass_event_links)",
            &["+ Inheritance mailglass_event_links.child"],
        ),
        (
            "CREATE TABLE parent (tenant_id text); ALTER TABLE mailglass_events INHERIT parent",
            &["+ Inheritance mailglass_events.parent"],
        ),
        (
            "CREATE TABLE parent (LIKE mailglass_events) PARTITION BY LIST (tenant_id);
             ALTER TABLE parent ATTACH PARTITION mailglass_events FOR VALUES IN ('acme')",
            &["+ Inheritance mailglass_events.parent"],
        ),
        (
            "ALTER TABLE mailglass_events DROP CONSTRAINT mailglass_events_metadata_is_object;
             ALTER TABLE mailglass_events ADD CONSTRAINT mailglass_events_metadata_is_object
                 CHECK (jsonb_typeof(metadata) = 'object') NOT VALID",
            &["~ Constraint mailglass_events.mailglass_events_metadata_is_object"],
        ),
        (
            "ALTER TABLE mailglass_events DROP CONSTRAINT mailglass_events_pkey;
             ALTER TABLE mailglass_events ADD CONSTRAINT mailglass_events_pkey PRIMARY KEY (id) DEFERRABLE",
            &["~ Constraint mailglass_events.mailglass_events_pkey"],
        ),
        // A table of the application may reference ours.
        (
            "CREATE TABLE messages (delivery_id uuid REFERENCES mailglass_deliveries ON DELETE CASCADE)",
            &[],
        ),
        // An enabled trigger can raise an error.
        (
            "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
             CREATE TRIGGER enabled AFTER INSERT ON mailglass_events FOR EACH ROW EXECUTE FUNCTION tell();
             CREATE TRIGGER disabled AFTER INSERT ON mailglass_events FOR EACH ROW EXECUTE FUNCTION tell();
             ALTER TABLE mailglass_events DISABLE TRIGGER disabled;
             CREATE RULE quiet AS ON UPDATE TO mailglass_event_links DO INSTEAD NOTHING;
             ALTER TABLE mailglass_event_links DISABLE RULE quiet",
            &[
                "(+) Rule mailglass_event_links.quiet",
                "(+) Trigger mailglass_events.disabled",
                "+ Trigger mailglass_events.enabled",
            ],
        ),
    ]);
}

/// Two keys that are equal under one collation may differ under another.
#[test]
fn a_collation_other_than_the_databases_default_is_reported() {
    assert_reported(&[
        (
            "ALTER TABLE mailglass_deliveries ALTER COLUMN tenant_id TYPE text COLLATE \"C\"",
            &["~ Column mailglass_deliveries.tenant_id"],
        ),
        (
            "CREATE COLLATION of_ours FROM \"C\";
             ALTER TABLE mailglass_events ALTER COLUMN idempotency_key TYPE text COLLATE of_ours",
            &["~ Column mailglass_events.idempotency_key"],
        ),
    ]);
}
