//! What a cut carries over to the new ledger: everything that PostgreSQL knows about the old one.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Text};
use mailglass::contract;
use mailglass::retention::{self, CutOptions, OldLedger};

use super::history::{count, insert_history, options};
use crate::support::connected;

/// Everything that PostgreSQL knows about a table, by names and without OIDs.
const DEFINITION: &str = r"
    SELECT ARRAY(
        SELECT concat_ws(' ', 'table', relname, relowner::regrole, relacl, reloptions, relpersistence, relreplident, relrowsecurity,
            relforcerowsecurity, amname, reltablespace,
            (SELECT reloptions FROM pg_class AS toast WHERE toast.oid = class.reltoastrelid))
        FROM pg_class AS class JOIN pg_am ON pg_am.oid = relam WHERE class.oid = 'mailglass_events'::regclass
        UNION ALL
        SELECT concat_ws(' ', 'column', attname, format_type(atttypid, atttypmod), attnotnull, attstorage, attcompression,
            attstattarget, attacl, attoptions, attgenerated, attcollation,
            pg_get_expr(adbin, adrelid), col_description(attrelid, attnum))
        FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE attrelid = 'mailglass_events'::regclass AND attnum > 0 AND NOT attisdropped
        UNION ALL
        SELECT concat_ws(' ', 'constraint', conname, pg_get_constraintdef(oid), convalidated, obj_description(oid))
        FROM pg_constraint WHERE conrelid = 'mailglass_events'::regclass AND contype <> 't'
        UNION ALL
        SELECT concat_ws(' ', 'index', pg_get_indexdef(indexrelid), indisvalid, indisclustered, indisreplident, reltablespace,
            obj_description(indexrelid),
            ARRAY(SELECT attstattarget FROM pg_attribute WHERE attrelid = indexrelid ORDER BY attnum))
        FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE indrelid = 'mailglass_events'::regclass
        UNION ALL
        SELECT concat_ws(' ', 'trigger', pg_get_triggerdef(oid), tgenabled, obj_description(oid))
        FROM pg_trigger WHERE tgrelid = 'mailglass_events'::regclass AND NOT tgisinternal
        UNION ALL
        SELECT concat_ws(' ', 'policy', polname, polcmd, polpermissive, polroles::regrole[], pg_get_expr(polqual, polrelid),
            pg_get_expr(polwithcheck, polrelid), obj_description(oid))
        FROM pg_policy WHERE polrelid = 'mailglass_events'::regclass
        UNION ALL
        SELECT concat_ws(' ', 'statistics', pg_get_statisticsobjdef(oid), obj_description(oid))
        FROM pg_statistic_ext WHERE stxrelid = 'mailglass_events'::regclass
        UNION ALL
        SELECT concat_ws(' ', 'publication', pubname, prattrs, pg_get_expr(prqual, prrelid))
        FROM pg_publication_rel JOIN pg_publication ON pg_publication.oid = prpubid WHERE prrelid = 'mailglass_events'::regclass
        UNION ALL
        SELECT 'comment ' || obj_description('mailglass_events'::regclass)
        ORDER BY 1
    ) AS lines";

#[derive(QueryableByName)]
struct Definition {
    #[diesel(sql_type = Array<Text>)]
    lines: Vec<String>,
}

fn definition(conn: &mut PgConnection) -> Vec<String> {
    let definition: Definition = sql_query(DEFINITION).get_result(conn).unwrap();
    definition.lines
}

/// What a host may have added to the ledger.
const ADDITIONS: &str = r#"
    DO 'BEGIN CREATE ROLE "Owner of mail"; EXCEPTION WHEN duplicate_object THEN END';
    DO 'BEGIN CREATE ROLE mail_reader; EXCEPTION WHEN duplicate_object THEN END';
    ALTER TABLE mailglass_events OWNER TO "Owner of mail";
    GRANT CREATE ON SCHEMA public TO "Owner of mail";
    GRANT SELECT, INSERT ON mailglass_events TO mail_reader WITH GRANT OPTION;
    GRANT SELECT (id, type) ON mailglass_events TO PUBLIC;
    REVOKE TRUNCATE ON mailglass_events FROM "Owner of mail";
    ALTER TABLE mailglass_events SET (fillfactor = 90, autovacuum_vacuum_insert_scale_factor = 0.05, toast.autovacuum_enabled = false);
    ALTER TABLE mailglass_events ADD COLUMN "Campaign; DROP" text DEFAULT 'it''s' COLLATE "C",
        ADD COLUMN doubled integer GENERATED ALWAYS AS (length(trace_id) * 2) STORED;
    ALTER TABLE mailglass_events DROP COLUMN doubled;
    ALTER TABLE mailglass_events ADD COLUMN trace_length integer GENERATED ALWAYS AS (length(trace_id)) STORED;
    ALTER TABLE mailglass_events ALTER COLUMN metadata SET STORAGE EXTERNAL, ALTER COLUMN normalized_payload SET COMPRESSION pglz,
        ALTER COLUMN tenant_id SET STATISTICS 500, ALTER COLUMN type SET (n_distinct = 16);
    CREATE INDEX "Host's index ON x USING y" ON mailglass_events USING btree ((lower(tenant_id)), type DESC NULLS LAST)
        INCLUDE (trace_id) WITH (fillfactor = 80) WHERE type = 'opened';
    ALTER INDEX "Host's index ON x USING y" ALTER COLUMN 1 SET STATISTICS 50;
    CREATE INDEX host_brin ON mailglass_events USING brin (inserted_at);
    COMMENT ON INDEX host_brin IS 'the host''s';
    ALTER TABLE mailglass_events ADD CONSTRAINT host_check CHECK (length(trace_id) < 10) NOT VALID,
        ADD CONSTRAINT host_unique UNIQUE (tenant_id, id) DEFERRABLE INITIALLY DEFERRED;
    COMMENT ON CONSTRAINT host_check ON mailglass_events IS 'new ones only';
    COMMENT ON CONSTRAINT mailglass_events_pkey ON mailglass_events IS 'the key';
    CREATE STATISTICS host_statistics (dependencies) ON tenant_id, type FROM mailglass_events;
    COMMENT ON STATISTICS host_statistics IS 'the host''s';
    CREATE FUNCTION notify_host() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_notify(''host'', NEW.id::text); RETURN NULL; END';
    CREATE TRIGGER " ON public.mailglass_events " AFTER INSERT ON mailglass_events
        FOR EACH ROW WHEN (NEW.type = 'opened') EXECUTE FUNCTION notify_host();
    CREATE CONSTRAINT TRIGGER host_deferred AFTER INSERT ON mailglass_events
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION notify_host();
    ALTER TABLE mailglass_events DISABLE TRIGGER host_deferred;
    ALTER TABLE mailglass_events ENABLE REPLICA TRIGGER " ON public.mailglass_events ";
    ALTER TABLE mailglass_events ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON mailglass_events FOR SELECT TO mail_reader, "Owner of mail" USING (tenant_id = current_setting('app.tenant', true));
    CREATE POLICY "Own rows" ON mailglass_events AS RESTRICTIVE FOR INSERT WITH CHECK (tenant_id <> 'x');
    COMMENT ON POLICY own ON mailglass_events IS 'one tenant';
    ALTER TABLE mailglass_events REPLICA IDENTITY USING INDEX mailglass_events_pkey;
    ALTER TABLE mailglass_events CLUSTER ON mailglass_events_tenant_recent_idx;
    CREATE PUBLICATION host_publication FOR TABLE mailglass_events (id, type) WHERE (tenant_id = 'acme'), mailglass_deliveries;
    CREATE PUBLICATION other_publication FOR TABLE mailglass_events;
"#;

#[test]
fn a_cut_changes_nothing_about_the_ledger_but_its_rows() {
    let (_database, mut conn) = connected();
    let before = definition(&mut conn);
    insert_history(&mut conn, 6);
    retention::cut(&mut conn, &options()).unwrap();
    assert_eq!(definition(&mut conn), before);
    assert_eq!(contract::verify(&mut conn).unwrap(), []);
}

#[test]
fn what_the_host_has_added_is_carried_over() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    insert_history(conn, 6);
    conn.batch_execute("UPDATE mailglass_deliveries SET metadata = '{}'")
        .unwrap();
    conn.batch_execute(ADDITIONS).unwrap();
    let before = definition(conn);
    let differences = contract::verify(conn).unwrap();
    // Twice: the second cut starts with what the first one has made.
    for old_ledger in [OldLedger::Keep, OldLedger::Drop] {
        let options = CutOptions {
            old_ledger,
            ..options()
        };
        let report = retention::cut(conn, &options).unwrap();
        similar(&definition(conn), &before);
        assert_eq!(contract::verify(conn).unwrap(), differences);
        if let Some(kept) = report.kept_as {
            let of_kept = format!("SELECT FROM pg_publication_rel WHERE prrelid = '{kept}'::regclass");
            assert_eq!(count(conn, &of_kept), 0, "the old ledger is published");
            let may = |right: &str| format!("SELECT WHERE has_table_privilege('mail_reader', '{kept}', '{right}')");
            assert_eq!((count(conn, &may("SELECT")), count(conn, &may("INSERT"))), (1, 0));
        }
    }
}

/// Shows only the lines that differ.
fn similar(found: &[String], expected: &[String]) {
    let missing: Vec<_> = expected.iter().filter(|line| !found.contains(line)).collect();
    let unexpected: Vec<_> = found.iter().filter(|line| !expected.contains(line)).collect();
    assert!(
        missing.is_empty() && unexpected.is_empty(),
        "missing {missing:#?}, unexpected {unexpected:#?}"
    );
    assert_eq!(found.len(), expected.len());
}

#[test]
fn default_privileges_do_not_open_the_tables_of_a_cut() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    conn.batch_execute(
        "DO 'BEGIN CREATE ROLE mail_reader; EXCEPTION WHEN duplicate_object THEN END';
         ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO mail_reader",
    )
    .unwrap();
    retention::begin(conn, &options()).unwrap();
    let readable = "SELECT relname FROM pg_class WHERE relname ~ '^mailglass_(cut|events_next)' AND relkind = 'r'
                    AND has_table_privilege('mail_reader', oid, 'SELECT')";
    assert_eq!(count(conn, readable), 0);
    retention::resume(conn).unwrap();
    assert_eq!(
        count(
            conn,
            "SELECT WHERE has_table_privilege('mail_reader', 'mailglass_events', 'SELECT')"
        ),
        0
    );
}

#[test]
fn a_cut_works_in_a_schema_of_its_own_with_a_hostile_name() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    conn.batch_execute(r#"CREATE SCHEMA "Mail; ""x"""; CREATE SCHEMA mail_types; SET search_path = mail_types"#)
        .unwrap();
    mailglass::migrations::run_types(conn).unwrap();
    conn.batch_execute(r#"SET search_path = "Mail; ""x""", mail_types"#)
        .unwrap();
    mailglass::migrations::run(conn).unwrap();
    insert_history(conn, 4);
    let before = definition(conn);
    let report = retention::cut(conn, &options()).unwrap();
    assert_eq!((report.deliveries_left, report.events_kept), (2, 6));
    similar(&definition(conn), &before);
    assert_eq!(contract::verify(conn).unwrap(), []);
}
