//! Every statement that the library sends, as a file under `tests/snapshots/sql` for each call. `BLESS=1` writes them.
//!
//! The statements are taken from the connection, so a snapshot has what the server gets, in order, with the transaction
//! around it. Values are left out.

mod outbox;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{env, fs};

use diesel::connection::{Connection as _, InstrumentationEvent, SimpleConnection as _};
use diesel::pg::PgConnection;
use mailglass::ledger::{CheckpointOptions, RecordOptions};
use mailglass::migrations::{self, DataLoss};
use mailglass::reconciler::{self, SweepOptions};
use mailglass::retention::{self, CutOptions, DetailsOptions, OldLedger};
use mailglass::roles::{self, Access};
use mailglass::suppressions::{self, ListOptions, NewSuppression, SoftBounces, Subject, SuppressionRules};
use mailglass::{
    Delivery, DeliveryChanges, EventDetails, EventType, NewDelivery, Stream, SuppressionReason, contract, ledger,
    privacy, projection, tenancy,
};
use uuid::Uuid;

use crate::support::role::Role;
use crate::support::{TENANT, at, connect, connected, delivery, eager, event, reload, server, to};

/// The statements of each call, by its name.
#[derive(Default)]
struct Snapshots {
    calls: BTreeMap<&'static str, Vec<String>>,
    /// The first call that sent a long statement. The others refer to it.
    first_calls: HashMap<String, &'static str>,
}

impl Snapshots {
    /// Makes a call and keeps the statements that it sends.
    fn take<T>(&mut self, conn: &mut PgConnection, name: &'static str, call: impl FnOnce(&mut PgConnection) -> T) -> T {
        let sent = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&sent);
        conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                let query = query.to_string();
                // Diesel looks up the OID of an enum type once per connection.
                if !query.contains(r#"FROM "pg_type""#) {
                    kept.lock().unwrap().push(query);
                }
            }
        });
        let outcome = call(conn);
        conn.set_instrumentation(|_: InstrumentationEvent<'_>| {});
        let statements = sent
            .lock()
            .unwrap()
            .iter()
            .map(|query| readable(query))
            .collect::<Vec<_>>();
        let statements = statements
            .into_iter()
            .map(|statement| self.unless_shown(name, statement))
            .collect();
        assert!(self.calls.insert(name, statements).is_none(), "{name} is taken twice");
        outcome
    }

    fn unless_shown(&mut self, name: &'static str, statement: String) -> String {
        if statement.lines().count() < 10 {
            return statement;
        }
        let first_call = *self.first_calls.entry(statement.clone()).or_insert(name);
        if first_call == name {
            statement
        } else {
            format!("-- a statement of {first_call}.sql")
        }
    }
}

/// A statement without its values. What Diesel builds is one line, which is broken at its clauses.
fn readable(query: &str) -> String {
    let statement = query
        .rsplit_once(" -- binds: ")
        .map_or(query, |(statement, _)| statement)
        .trim();
    for migration in migrations::FILES {
        for (file, text) in [("up", migration.up_sql), ("down", migration.down_sql)] {
            let is_of_migration = statement.len() > "COMMIT".len() && text.contains(statement);
            if is_of_migration {
                return format!("-- from {file}.sql of the migration {}", migration.name);
            }
        }
    }
    let is_built_by_diesel = statement.contains('"') && !statement.contains('\n');
    if !is_built_by_diesel {
        return statement.to_owned();
    }
    let mut broken = statement.to_owned();
    for clause in [
        " FROM ",
        " INNER JOIN ",
        " WHERE ",
        " ORDER BY ",
        " LIMIT ",
        " SET ",
        " RETURNING ",
        " FOR NO KEY UPDATE",
    ] {
        broken = broken.replace(clause, &format!("\n{}", clause.trim_start()));
    }
    broken.lines().map(wrapped).collect::<Vec<_>>().join("\n")
}

/// A line of a statement, broken after commas if it is longer than the others are.
fn wrapped(line: &str) -> String {
    let mut text = String::new();
    let mut width = 0;
    for (position, item) in line.split(", ").enumerate() {
        if position > 0 {
            text.push(',');
            if width + item.len() > 115 {
                text += "\n    ";
                width = 4;
            } else {
                text.push(' ');
                width += 2;
            }
        }
        text += item;
        width += item.len();
    }
    text
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/sql")
}

/// Each statement once: a migration or a sweep in parts sends some of them over and over.
fn text(statements: &[String]) -> String {
    let mut text = String::new();
    let mut last = None;
    for statement in statements {
        if last != Some(statement) {
            text += statement;
            text += if statement.starts_with("--") && !statement.contains('\n') {
                "\n\n"
            } else {
                ";\n\n"
            };
        }
        last = Some(statement);
    }
    text.trim_end().to_owned() + "\n"
}

#[test]
fn every_statement_is_what_its_snapshot_says() {
    let mut snapshots = Snapshots::default();
    events(&mut snapshots);
    deliveries(&mut snapshots);
    checkpoints(&mut snapshots);
    projections(&mut snapshots);
    sweeps(&mut snapshots);
    retention(&mut snapshots);
    databases(&mut snapshots);
    tenants(&mut snapshots);
    suppressions(&mut snapshots);
    outbox::outbox(&mut snapshots);

    let bless = env::var_os("BLESS").is_some();
    if bless {
        let _ = fs::remove_dir_all(folder());
        fs::create_dir_all(folder()).unwrap();
    }
    let mut differing = Vec::new();
    for (name, statements) in &snapshots.calls {
        let path = folder().join(name).with_extension("sql");
        let text = text(statements);
        if bless {
            fs::write(&path, &text).unwrap();
        } else if fs::read_to_string(&path).unwrap_or_default() != text {
            differing.push(path);
        }
    }
    assert!(
        differing.is_empty(),
        "read the change, then run this with BLESS=1: {differing:#?}"
    );

    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut files: Vec<String> = files.map(|name| name.into_string().unwrap()).collect();
    files.sort();
    let names: Vec<String> = snapshots.calls.keys().map(|name| format!("{name}.sql")).collect();
    assert_eq!(files, names);
    every_file_is_in_a_snapshot(&snapshots);
}

/// Sent only to Citus; see `tests/scale/guard.rs`.
const ONLY_FOR_CITUS: [&str; 2] = ["src/sql/contract/shards.sql", "src/sql/retention/distributed.sql"];

/// A file in `src/sql` that no snapshot shows is either unused or untested.
fn every_file_is_in_a_snapshot(snapshots: &Snapshots) {
    let all: String = snapshots.calls.values().flatten().map(String::as_str).collect();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sql")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "sql")
                && !ONLY_FOR_CITUS.iter().any(|file| path.ends_with(file))
            {
                let text = fs::read_to_string(&path).unwrap();
                // A line with a name to be filled in is not in the finished statement.
                let is_fixed = |line: &&str| !line.replace("::", "").contains(':') && !line.trim().is_empty();
                let missing = text
                    .lines()
                    .filter(is_fixed)
                    .find(|line| !all.contains(line.trim_end()));
                assert_eq!(missing, None, "{} is in no snapshot", path.display());
            }
        }
    }
}

fn deliveries(snapshots: &mut Snapshots) {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let keyed = to("ann@example.com").idempotency_key("welcome:ann");
    snapshots.take(conn, "insert", |conn| keyed.insert(conn).unwrap().into_delivery());
    snapshots.take(conn, "insert_replay", |conn| {
        keyed.insert(conn).unwrap().into_delivery()
    });
    snapshots.take(conn, "insert_with_id", |conn| {
        to("bob@example.com")
            .id(Uuid::now_v7())
            .insert(conn)
            .unwrap()
            .into_delivery()
    });
    let batch = [to("cas@example.com"), to("dan@example.com")];
    snapshots.take(conn, "insert_all", |conn| {
        NewDelivery::insert_all(conn, &batch).unwrap()
    });

    let ann = delivery(conn);
    snapshots.take(conn, "find", |conn| Delivery::find(conn, TENANT, ann.id).unwrap());
    let metadata = DeliveryChanges {
        metadata: Some(serde_json::json!({ "campaign": "spring" })),
        ..DeliveryChanges::default()
    };
    snapshots.take(conn, "update", |conn| ann.update(conn, &metadata).unwrap());
    snapshots.take(conn, "update_stale", |conn| ann.update(conn, &metadata).unwrap_err());
    let ann = reload(conn, &ann);
    let ann = snapshots.take(conn, "mark_dispatched", |conn| {
        ann.mark_dispatched(conn, "postmark", "0a129aee", at(1)).unwrap()
    });
    snapshots.take(conn, "mark_dispatched_again", |conn| {
        ann.mark_dispatched(conn, "postmark", "0a129aee", at(1)).unwrap()
    });
    ledger::record(
        conn,
        &[event(EventType::Delivered, 2).provider_message("postmark", "b7bc2f4a")],
    )
    .unwrap();
    let early = delivery(conn);
    snapshots.take(conn, "mark_dispatched_with_early_event", |conn| {
        early.mark_dispatched(conn, "postmark", "b7bc2f4a", at(1)).unwrap()
    });
    snapshots.take(conn, "mark_failed", |conn| {
        ann.mark_failed(conn, serde_json::json!({}), at(2)).unwrap()
    });
    let suppressed = delivery(conn);
    snapshots.take(conn, "mark_suppressed", |conn| {
        suppressed.mark_suppressed(conn, None, at(1)).unwrap()
    });
}

fn events(snapshots: &mut Snapshots) {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let ann = delivery(conn);
    let keyed = event(EventType::Opened, 1).delivery(ann.id).idempotency_key("opened:1");
    let single = [keyed.clone()];
    snapshots.take(conn, "record", |conn| ledger::record(conn, &single).unwrap());
    snapshots.take(conn, "record_replay", |conn| ledger::record(conn, &single).unwrap());
    let several = [keyed, event(EventType::Clicked, 2)];
    snapshots.take(conn, "record_several", |conn| ledger::record(conn, &several).unwrap());
    snapshots.take(conn, "record_each", |conn| ledger::record_each(conn, &several).unwrap());
    snapshots.take(conn, "record_batches", |conn| {
        let batches: mailglass::Result<Vec<_>> = ledger::record_batches(conn, several.clone(), 10).collect();
        batches.unwrap()
    });
    let number = event(EventType::Opened, 3).metadata(serde_json::json!({ "seconds": 1.5 }));
    snapshots.take(conn, "record_with_fractions", |conn| {
        ledger::record(conn, &[number]).unwrap()
    });
    snapshots.take(conn, "append", |conn| ledger::append(conn, &several).unwrap());
    let single = [event(EventType::Opened, 4)];
    snapshots.take(conn, "append_single", |conn| ledger::append(conn, &single).unwrap());
    let waiting = [5, 6].map(|seconds| event(EventType::Opened, seconds).provider_message("ses", "unknown"));
    snapshots.take(conn, "record_waiting", |conn| ledger::record(conn, &waiting).unwrap());
    let details = EventDetails {
        user_agent: Some("Mozilla/5.0".to_owned()),
        ..EventDetails::default()
    };
    let clicked = [event(EventType::Clicked, 7).delivery(ann.id).details(details)];
    let clicked = snapshots.take(conn, "record_with_details", |conn| {
        ledger::record(conn, &clicked).unwrap()
    });
    snapshots.take(conn, "details", |conn| clicked[0].event().details(conn).unwrap());
    snapshots.take(conn, "privacy_export", |conn| {
        privacy::export(conn, TENANT, "ann@example.com").unwrap()
    });
    snapshots.take(conn, "privacy_erase", |conn| {
        privacy::erase(conn, TENANT, "ann@example.com").unwrap()
    });
}

fn suppressions(snapshots: &mut Snapshots) {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let new = [NewSuppression::address(
        TENANT,
        "ann@example.com",
        SuppressionReason::Manual,
    )];
    snapshots.take(conn, "suppressions_add", |conn| suppressions::add(conn, &new).unwrap());
    snapshots.take(conn, "suppressions_add_again", |conn| {
        suppressions::add(conn, &new).unwrap()
    });
    snapshots.take(conn, "suppressions_check", |conn| {
        suppressions::check(conn, TENANT, Stream::Bulk, &["ann@example.com"]).unwrap()
    });
    snapshots.take(conn, "suppressions_list", |conn| {
        suppressions::list(conn, &ListOptions::of_tenant(TENANT)).unwrap()
    });
    let subject = Subject::Address("ann@example.com".to_owned());
    snapshots.take(conn, "suppressions_remove", |conn| {
        suppressions::remove(conn, TENANT, &subject, None).unwrap()
    });
    let bob = delivery(conn);
    let bounced = EventDetails {
        permanent: Some(false),
        ..EventDetails::default()
    };
    let bounced = [event(EventType::Bounced, 1).delivery(bob.id).details(bounced)];
    let rules = SuppressionRules {
        soft_bounces: Some(SoftBounces {
            threshold: 1,
            // The events of the tests are old.
            window: Duration::from_secs(50 * 365 * 24 * 60 * 60),
            duration: Duration::from_secs(60),
        }),
        ..SuppressionRules::default()
    };
    let options = RecordOptions { suppress: Some(rules) };
    snapshots.take(conn, "record_with_rules", |conn| {
        ledger::record_with(conn, &bounced, &options).unwrap()
    });
}

fn checkpoints(snapshots: &mut Snapshots) {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let made = snapshots.take(conn, "checkpoint", |conn| {
        ledger::checkpoint(conn, TENANT, None, &CheckpointOptions::default()).unwrap()
    });
    let chain = [made.into_checkpoint().unwrap()];
    snapshots.take(conn, "verify_checkpoints", |conn| {
        ledger::verify_checkpoints(conn, TENANT, &chain).unwrap()
    });
    snapshots.take(conn, "renew_checkpoints", |conn| {
        ledger::renew_checkpoints(conn, TENANT, &chain, "mailglass_events").unwrap()
    });
}

fn projections(snapshots: &mut Snapshots) {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let ann = delivery(conn);
    ledger::append(conn, &[event(EventType::Delivered, 1).delivery(ann.id)]).unwrap();
    snapshots.take(conn, "timeline", |conn| ann.timeline(conn).unwrap());
    snapshots.take(conn, "explain", |conn| ann.explain(conn).unwrap());
    snapshots.take(conn, "projection_verify", |conn| {
        projection::verify(conn, TENANT).unwrap()
    });
    snapshots.take(conn, "projection_repair", |conn| {
        projection::repair(conn, TENANT).unwrap()
    });
    snapshots.take(conn, "projection_rebuild", |conn| {
        projection::rebuild(conn, TENANT, ann.id).unwrap()
    });
    snapshots.take(conn, "projection_rebuild_all", |conn| {
        projection::rebuild_all(conn, TENANT).unwrap()
    });
}

fn sweeps(snapshots: &mut Snapshots) {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    ledger::record(
        conn,
        &[event(EventType::Delivered, 1).provider_message("postmark", "0a129aee")],
    )
    .unwrap();
    snapshots.take(conn, "reconciler_sweep", |conn| {
        reconciler::sweep(conn, &eager()).unwrap()
    });
    snapshots.take(conn, "reconciler_waiting", |conn| {
        reconciler::waiting(conn, TENANT, 100).unwrap()
    });
    snapshots.take(conn, "reconciler_expired", |conn| {
        reconciler::expired(conn, TENANT, 100).unwrap()
    });

    // Others append an event, and a trigger refuses the link of another one.
    conn.batch_execute(
        "INSERT INTO mailglass_events (id, tenant_id, type, occurred_at, needs_reconciliation, metadata)
         VALUES (gen_random_uuid(), 'acme', 'opened', now(), true, '{\"provider\": \"ses\", \"provider_message_id\": \"1\"}');
         CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN RAISE ''no''; END';
         CREATE TRIGGER refuse BEFORE UPDATE OF status ON mailglass_deliveries
             FOR EACH ROW EXECUTE FUNCTION refuse();",
    )
    .unwrap();
    NewDelivery::new(TENANT, "welcome", Stream::Transactional, "ann@example.com")
        .provider("postmark")
        .provider_message_id("0a129aee")
        .insert(conn)
        .unwrap();
    let report = snapshots.take(conn, "reconciler_sweep_refused", |conn| {
        let sweep = SweepOptions {
            tenants: tenancy::Tenants::Only(TENANT.to_owned()),
            ..eager()
        };
        reconciler::sweep(conn, &sweep).unwrap()
    });
    assert_eq!(report.failed.len(), 1);
}

fn tenants(snapshots: &mut Snapshots) {
    let (database, mut conn) = connected();
    let conn = &mut conn;
    snapshots.take(conn, "tenancy_enable", |conn| tenancy::enable(conn).unwrap());
    // A fixed name. The statements have it.
    snapshots.take(conn, "roles_statements", |conn| {
        roles::statements(conn, "reconciler", Access::Reconciler).unwrap()
    });
    let taken = to("ann@example.com").idempotency_key("welcome:ann");
    taken.insert(conn).unwrap();
    let role = Role::with(&database, Access::App);
    let mut app = role.connect();
    snapshots.take(&mut app, "tenancy_scoped", |conn| {
        tenancy::scoped(conn, TENANT, |_| Ok::<_, mailglass::Error>(())).unwrap()
    });
    snapshots.take(&mut app, "tenancy_scoped_nested", |conn| {
        let nested = |conn: &mut PgConnection| tenancy::scoped(conn, TENANT, |_| Ok::<_, mailglass::Error>(()));
        conn.transaction(nested).unwrap()
    });
    let other =
        NewDelivery::new("globex", "welcome", Stream::Transactional, "ann@example.com").idempotency_key("welcome:ann");
    snapshots.take(&mut app, "insert_hidden_conflict", |conn| {
        tenancy::scoped(conn, "globex", |conn| other.insert(conn)).unwrap_err()
    });
    snapshots.take(conn, "tenancy_disable", |conn| tenancy::disable(conn).unwrap());
}

fn retention(snapshots: &mut Snapshots) {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    delivery(conn);
    let options = CutOptions {
        old_ledger: OldLedger::Drop,
        ..CutOptions::before(at(1_000))
    };
    snapshots.take(conn, "retention_preview", |conn| {
        retention::preview(conn, at(1_000)).unwrap()
    });
    snapshots.take(conn, "retention_begin", |conn| {
        retention::begin(conn, &options).unwrap()
    });
    snapshots.take(conn, "retention_status", |conn| retention::status(conn).unwrap());
    snapshots.take(conn, "retention_abort", |conn| retention::abort(conn).unwrap());
    retention::begin(conn, &options).unwrap();
    let report = snapshots.take(conn, "retention_resume", |conn| retention::resume(conn).unwrap());
    assert_eq!(report.deliveries_left, 1);
    snapshots.take(conn, "retention_expire_details", |conn| {
        retention::expire_details(conn, at(0), &DetailsOptions::all_tenants()).unwrap()
    });
}

fn databases(snapshots: &mut Snapshots) {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    snapshots.take(conn, "contract_verify", |conn| contract::verify(conn).unwrap());
    snapshots.take(conn, "migrations_list", |conn| migrations::list(conn).unwrap());
    snapshots.take(conn, "contract_warnings", |conn| contract::warnings(conn).unwrap());
    snapshots.take(conn, "migrations_run_nothing_pending", |conn| {
        migrations::run(conn).unwrap()
    });
    snapshots.take(conn, "migrations_redo", |conn| {
        migrations::redo(conn, DataLoss::Reject).unwrap()
    });
    snapshots.take(conn, "migrations_revert_to", |conn| {
        migrations::revert_to(conn, None, DataLoss::Reject).unwrap()
    });

    let empty = server().database().unwrap();
    let conn = &mut connect(&empty);
    conn.batch_execute("SET ROLE pg_monitor").unwrap();
    snapshots.take(conn, "migrations_run_refused", |conn| {
        migrations::run(conn).unwrap_err()
    });
}
