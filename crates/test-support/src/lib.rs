//! Fixtures that the tests of several crates share: a migrated database for each test, and short builders for rows and
//! times.
//!
//! Each function panics if it fails.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test that can't continue panics"
)]

pub mod citus;
pub mod proxy;

use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::result::DatabaseErrorInformation;
use mailglass::reconciler::{SweepOptions, SweepReport, sweep};
use mailglass::schema::mailglass_event_links;
use mailglass::{Delivery, Event, EventType, NewDelivery, NewEvent, Stream, ledger};
use scratch_postgres::{Database, Server, Template};

pub const TENANT: &str = "acme";

/// One server for the whole test binary, with one migrated template.
static SERVER: LazyLock<(Server, Template)> = LazyLock::new(|| {
    let server = Server::from_env_or_start().expect("the server should start");
    let template = server
        .template(|url| {
            let mut conn = PgConnection::establish(url).map_err(|error| error.to_string())?;
            mailglass::migrations::run(&mut conn).map_err(|error| error.to_string())?;
            Ok::<_, String>(())
        })
        .expect("the template should be migrated");
    (server, template)
});

pub fn server() -> &'static Server {
    &SERVER.0
}

/// Creates a migrated database, which is dropped with the returned value.
pub fn database() -> Database {
    (SERVER.0.database_from(&SERVER.1)).expect("the template should be copied")
}

/// Runs an example of the documentation on a new migrated database.
pub fn with_database(example: impl FnOnce(&mut PgConnection) -> mailglass::Result<()>) {
    let (_database, mut conn) = connected();
    example(&mut conn).expect("the example should succeed");
}

pub fn connect(database: &Database) -> PgConnection {
    PgConnection::establish(database.url()).expect("the database should accept a connection")
}

/// Creates a migrated database and connects to it.
pub fn connected() -> (Database, PgConnection) {
    let database = database();
    let conn = connect(&database);
    (database, conn)
}

/// A time `seconds` after a fixed instant in the past.
pub fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(seconds)
}

pub fn to(recipient: &str) -> NewDelivery {
    NewDelivery::new(TENANT, "welcome", Stream::Transactional, recipient).first_event(EventType::Queued, at(0))
}

/// Inserts a delivery and returns its row.
pub fn insert(conn: &mut PgConnection, delivery: &NewDelivery) -> Delivery {
    let inserted = delivery.insert(conn).expect("the delivery should be inserted");
    inserted.into_delivery()
}

/// Inserts a delivery to ann@example.com.
pub fn delivery(conn: &mut PgConnection) -> Delivery {
    insert(conn, &to("ann@example.com"))
}

pub fn event(event_type: EventType, seconds: i64) -> NewEvent {
    NewEvent::new(TENANT, event_type, at(seconds))
}

/// Records one event and returns its row.
pub fn record_one(conn: &mut PgConnection, event: NewEvent) -> Event {
    let mut appended = ledger::record(conn, &[event]).expect("the event should be recorded");
    appended.remove(0).into_event()
}

/// Reads the delivery's current row.
pub fn reload(conn: &mut PgConnection, delivery: &Delivery) -> Delivery {
    Delivery::find(conn, &delivery.tenant_id, delivery.id).expect("the delivery should exist")
}

pub fn count_events(conn: &mut PgConnection) -> i64 {
    mailglass::schema::mailglass_events::table
        .count()
        .get_result(conn)
        .expect("the events should be counted")
}

/// The names of the invalid fields, in the order in which they were found.
pub fn wrong_fields(error: &mailglass::Error) -> Vec<&str> {
    match error {
        mailglass::Error::Invalid(invalid) => {
            let fields = invalid.fields().iter();
            fields.map(|invalid_field| invalid_field.field.as_str()).collect()
        }
        other => panic!("expected invalid input, got {other:?}"),
    }
}

/// What the server reports about a rejected statement.
pub fn database_error(error: diesel::result::Error) -> Box<dyn DatabaseErrorInformation + Send + Sync> {
    match error {
        diesel::result::Error::DatabaseError(_, information) => information,
        other => panic!("expected a database error, got {other:?}"),
    }
}

/// Options for a sweep without a grace period.
pub fn eager() -> SweepOptions {
    SweepOptions {
        grace: Duration::ZERO,
        ..SweepOptions::all_tenants()
    }
}

pub fn sweep_now(conn: &mut PgConnection) -> SweepReport {
    let report = sweep(conn, &eager()).expect("the sweep should succeed");
    SweepReport {
        linked_events: Vec::new(),
        ..report
    }
}

/// The waiting reason of each pending link, sorted.
pub fn waiting_reasons(conn: &mut PgConnection) -> Vec<String> {
    mailglass_event_links::table
        .filter(mailglass_event_links::linked_at.is_null())
        .filter(mailglass_event_links::expired_at.is_null())
        .order(mailglass_event_links::waiting_reason)
        .select(mailglass_event_links::waiting_reason)
        .load(conn)
        .expect("the waiting reasons should be read")
}

pub fn backend_pid(conn: &mut PgConnection) -> i32 {
    diesel::select(diesel::dsl::sql::<diesel::sql_types::Integer>("pg_backend_pid()"))
        .get_result(conn)
        .unwrap()
}

/// Returns as soon as the backend waits for a lock.
pub fn wait_until_blocked(conn: &mut PgConnection, pid: i32) {
    wait_until_blocked_or(conn, pid, || false);
}

/// Returns as soon as the backend waits for a lock or `is_over` returns true.
pub fn wait_until_blocked_or(conn: &mut PgConnection, pid: i32, is_over: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut blocked = format!("cardinality(pg_blocking_pids({pid})) > 0");
    if citus::coordinator().is_some() {
        // The lock is one of a worker. The number of the node precedes ten digits of the process id.
        blocked +=
            &format!(" OR EXISTS (SELECT FROM pg_catalog.citus_lock_waits WHERE waiting_gpid % 10000000000 = {pid})");
    }
    while !is_over()
        && !diesel::select(diesel::dsl::sql::<diesel::sql_types::Bool>(&blocked))
            .get_result::<bool>(conn)
            .unwrap()
    {
        assert!(
            Instant::now() < deadline,
            "backend {pid} did not wait for a lock within 30 s"
        );
        thread::yield_now();
    }
}

/// The number of rows of our tables that the server has read in the current transaction.
pub fn rows_read(conn: &mut PgConnection) -> i64 {
    let read = "(SELECT coalesce(sum(seq_tup_read + idx_tup_fetch), 0)::bigint FROM pg_stat_xact_user_tables
                  WHERE relname LIKE 'mailglass%')";
    diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(read))
        .get_result(conn)
        .unwrap()
}
