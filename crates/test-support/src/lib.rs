//! Fixtures that the tests of several crates share: a migrated database per test, and short builders for rows and times.
//!
//! Each function panics if it fails, as a test does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test that can't go on should say so by panicking"
)]

pub mod proxy;

use std::sync::{Barrier, LazyLock};
use std::thread;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use mailglass::reconciler::{Sweep, SweepReport, sweep};
use mailglass::schema::mailglass_event_links;
use mailglass::{Delivery, EventType, NewDelivery, NewEvent, Stream};
use scratch_postgres::{Database, Server, Template};

pub const TENANT: &str = "acme";

/// One server per test binary, with one migrated template.
static SERVER: LazyLock<(Server, Template)> = LazyLock::new(|| {
    let server = Server::from_env_or_start().expect("a PostgreSQL server");
    let template = server
        .template(|url| {
            let mut conn = PgConnection::establish(url).map_err(|error| error.to_string())?;
            mailglass::migrations::run(&mut conn).map_err(|error| error.to_string())?;
            Ok::<_, String>(())
        })
        .expect("a migrated template");
    (server, template)
});

pub fn server() -> &'static Server {
    &SERVER.0
}

/// A migrated database. It is dropped with the value.
pub fn database() -> Database {
    SERVER.0.database_from(&SERVER.1).expect("a copy of the template")
}

pub fn connect(database: &Database) -> PgConnection {
    PgConnection::establish(database.url()).expect("a connection")
}

/// Runs workers at the same time, each with its own connection, and returns their results.
pub fn at_once<T: Send>(
    database: &Database,
    workers: usize,
    work: impl Fn(usize, &mut PgConnection) -> T + Sync,
) -> Vec<T> {
    let barrier = Barrier::new(workers);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..workers)
            .map(|worker| {
                let (barrier, work) = (&barrier, &work);
                scope.spawn(move || {
                    let mut conn = connect(database);
                    barrier.wait();
                    work(worker, &mut conn)
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    })
}

/// A migrated database with a connection.
pub fn connected() -> (Database, PgConnection) {
    let database = database();
    let conn = connect(&database);
    (database, conn)
}

/// A time, in seconds after a fixed instant in the past.
pub fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(seconds)
}

pub fn to(recipient: &str) -> NewDelivery {
    NewDelivery::new(TENANT, "welcome", Stream::Transactional, recipient).last_event_at(at(0))
}

pub fn delivery(conn: &mut PgConnection) -> Delivery {
    to("ann@example.com").insert(conn).expect("a delivery")
}

pub fn event(event_type: EventType, seconds: i64) -> NewEvent {
    NewEvent::new(TENANT, event_type, at(seconds))
}

/// The current row of a delivery.
pub fn reload(conn: &mut PgConnection, delivery: &Delivery) -> Delivery {
    Delivery::find(conn, &delivery.tenant_id, delivery.id).expect("the delivery")
}

pub fn count_events(conn: &mut PgConnection) -> i64 {
    mailglass::schema::mailglass_events::table
        .count()
        .get_result(conn)
        .expect("a count")
}

/// The names of the invalid fields, in the order of the error.
pub fn wrong_fields(error: &mailglass::Error) -> Vec<&str> {
    match error {
        mailglass::Error::Invalid(invalid) => invalid.fields().iter().map(|field| field.field.as_str()).collect(),
        other => panic!("not an invalid input: {other:?}"),
    }
}

/// A sweep without a grace period.
pub fn eager() -> Sweep {
    Sweep {
        grace: Duration::ZERO,
        ..Sweep::default()
    }
}

pub fn sweep_now(conn: &mut PgConnection) -> SweepReport {
    sweep(conn, &eager()).expect("a sweep")
}

/// The reasons of all pending events, sorted.
pub fn waiting_reasons(conn: &mut PgConnection) -> Vec<String> {
    mailglass_event_links::table
        .filter(mailglass_event_links::linked_at.is_null())
        .filter(mailglass_event_links::expired_at.is_null())
        .order(mailglass_event_links::waiting_reason)
        .select(mailglass_event_links::waiting_reason)
        .load(conn)
        .expect("the reasons")
}

pub fn backend_pid(conn: &mut PgConnection) -> i32 {
    diesel::select(diesel::dsl::sql::<diesel::sql_types::Integer>("pg_backend_pid()"))
        .get_result(conn)
        .unwrap()
}

/// Waits until a backend waits for a lock.
pub fn wait_until_blocked(conn: &mut PgConnection, pid: i32) {
    wait_until_blocked_or(conn, pid, || false);
}

/// Waits until a backend waits for a lock, or until `is_over`.
pub fn wait_until_blocked_or(conn: &mut PgConnection, pid: i32, is_over: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    let blocked = format!("cardinality(pg_blocking_pids({pid})) > 0");
    while !is_over()
        && !diesel::select(diesel::dsl::sql::<diesel::sql_types::Bool>(&blocked))
            .get_result::<bool>(conn)
            .unwrap()
    {
        assert!(
            std::time::Instant::now() < deadline,
            "the backend never waited for a lock"
        );
        thread::yield_now();
    }
}

/// The number of rows of mailglass tables that this transaction has read.
pub fn rows_read(conn: &mut PgConnection) -> i64 {
    let read = "(SELECT coalesce(sum(seq_tup_read + idx_tup_fetch), 0)::bigint FROM pg_stat_xact_user_tables
                  WHERE relname LIKE 'mailglass%')";
    diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(read))
        .get_result(conn)
        .unwrap()
}
