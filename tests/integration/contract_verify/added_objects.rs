//! Additional columns and indexes are harmless unless they can make an INSERT fail.

use super::assert_reported;

#[test]
fn an_additional_column_is_harmless_unless_it_can_make_an_insert_fail() {
    assert_reported(&[
        (
            "ALTER TABLE mailglass_deliveries
                 ADD COLUMN a uuid DEFAULT gen_random_uuid(),
                 ADD COLUMN b timestamptz NOT NULL DEFAULT now(),
                 ADD COLUMN c text NOT NULL DEFAULT 'none',
                 ADD COLUMN d bigint GENERATED ALWAYS AS IDENTITY",
            &[
                "(+) Column mailglass_deliveries.a",
                "(+) Column mailglass_deliveries.b",
                "(+) Column mailglass_deliveries.c",
                "(+) Column mailglass_deliveries.d",
            ],
        ),
        (
            "CREATE DOMAIN filled AS text NOT NULL;
             CREATE FUNCTION fails() RETURNS integer LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END';
             ALTER TABLE mailglass_deliveries
                 ADD COLUMN a filled,
                 ADD COLUMN b integer,
                 ADD COLUMN c integer GENERATED ALWAYS AS (1 / lock_version) STORED,
                 ALTER COLUMN b SET DEFAULT fails()",
            &[
                "+ Column mailglass_deliveries.a",
                "+ Column mailglass_deliveries.b",
                "+ Column mailglass_deliveries.c",
            ],
        ),
        // Our statements use these names for their own columns, beside `SELECT *`.
        (
            "ALTER TABLE mailglass_event_links ADD COLUMN candidates text",
            &["+ Column mailglass_event_links.candidates"],
        ),
        (
            "ALTER TABLE mailglass_events ADD COLUMN timeline_of text",
            &["+ Column mailglass_events.timeline_of"],
        ),
    ]);
}

/// An INSERT fails if a function in an index fails.
#[test]
fn an_additional_index_is_harmless_unless_it_can_make_an_insert_fail() {
    assert_reported(&[
        (
            "CREATE INDEX of_ours ON mailglass_events (lower(trace_id))",
            &["+ Index mailglass_events.of_ours"],
        ),
        (
            "CREATE INDEX of_ours ON mailglass_events (((metadata->>'n')::integer))",
            &["+ Index mailglass_events.of_ours"],
        ),
        (
            "CREATE INDEX of_ours ON mailglass_events (id) WHERE (trace_id::integer > 0)",
            &["+ Index mailglass_events.of_ours"],
        ),
        (
            "CREATE INDEX of_ours ON mailglass_events (id)
                 WHERE type = 'bounced' AND trace_id IS NOT NULL AND NOT needs_reconciliation AND tenant_id <> 'acme'",
            &["(+) Index mailglass_events.of_ours"],
        ),
        (
            "CREATE INDEX of_ours ON mailglass_deliveries (id) WHERE status IN ('queued', 'failed')",
            &["(+) Index mailglass_deliveries.of_ours"],
        ),
        // Storage parameters are not compared.
        (
            "ALTER INDEX mailglass_events_needs_reconcile_idx SET (fillfactor = 80)",
            &[],
        ),
    ]);
}
