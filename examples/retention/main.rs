//! Cuts a ledger while another connection records, and prints how long that took: `cargo run --release --example retention`.
//!
//! It starts a throwaway server and fills it with deliveries of the last 14 months, 5 events each. The arguments are how many deliveries
//! (20,000 by default; 2,000,000 are 10 million events) and how many months to keep (13 by default).

use std::env;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use chrono::{Months, Utc};
use diesel::connection::{InstrumentationEvent, SimpleConnection as _};
use diesel::prelude::*;
use mailglass::retention::{self, CutOptions, CutReport, Step};
use mailglass::{EventType, NewDelivery, NewEvent, Stream, contract, ledger, migrations, projection};
use scratch_postgres::Server;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const TENANT: &str = "acme";

fn main() -> Result<(), Failure> {
    let mut arguments = env::args().skip(1);
    let deliveries: u64 = arguments.next().map_or(Ok(20_000), |argument| argument.parse())?;
    let months: u32 = arguments.next().map_or(Ok(13), |argument| argument.parse())?;

    let settings = [
        ("shared_buffers", "1GB"),
        ("max_wal_size", "8GB"),
        ("maintenance_work_mem", "256MB"),
    ];
    let server = Server::start_with(&[&scratch_postgres::DURABLE[..], &settings].concat())?;
    let database = server.database()?;
    let conn = &mut PgConnection::establish(database.url())?;
    migrations::run(conn)?;
    let start = Instant::now();
    fill(conn, deliveries)?;
    println!(
        "filled with {deliveries} deliveries and {} events in {:?}",
        deliveries * 5,
        start.elapsed()
    );

    let is_over = AtomicBool::new(false);
    let (report, waits) = thread::scope(|scope| {
        let recorder = scope.spawn(|| record(database.url(), &is_over));
        let report = cut(conn, months);
        is_over.store(true, Ordering::Relaxed);
        let waits = recorder.join().map_err(|_| "the recorder panicked")?;
        Ok::<_, Failure>((report?, waits?))
    })?;
    println!("{report:#?}");
    println!(
        "{} calls of `record` meanwhile; the longest took {:?}",
        waits.len(),
        waits.last()
    );
    println!("half of them took less than {:?}", waits.get(waits.len() / 2));
    println!("differences from this release: {}", contract::verify(conn)?.len());
    println!("projections that differ: {}", projection::verify(conn, TENANT)?.len());
    Ok(())
}

/// The deliveries are spread evenly over 14 months, in the order of their ids.
fn fill(conn: &mut PgConnection, deliveries: u64) -> Result<(), Failure> {
    let statements = format!(
        "CREATE FUNCTION pg_temp.began(n bigint) RETURNS timestamptz LANGUAGE sql STABLE AS
             'SELECT now() - interval ''420 days'' * (1 - n::float8 / ({deliveries} + 1))';
         CREATE FUNCTION pg_temp.id(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
             'SELECT (lpad(to_hex(n), 12, ''0'') || ''7000'' || ''8'' || substr(md5(n::text), 1, 15))::uuid';
         INSERT INTO mailglass_deliveries (
             id, tenant_id, mailable, stream, recipient, recipient_domain, last_event_type, last_event_at, terminal, dispatched_at,
             delivered_at, status, provider, provider_message_id, inserted_at
         )
         SELECT pg_temp.id(n), '{TENANT}', 'welcome', 'transactional', 'user' || n || '@example.com', 'example.com', 'clicked',
             began + interval '1 hour', true, began + interval '1 s', began + interval '1 min', 'sent', 'sendgrid',
             md5(n::text), began
         FROM generate_series(1, {deliveries}::bigint) AS n, LATERAL (SELECT pg_temp.began(n) AS began) AS time;
         INSERT INTO mailglass_events (id, tenant_id, delivery_id, type, occurred_at, idempotency_key, metadata, inserted_at)
         SELECT pg_temp.id(n * 8 + k), '{TENANT}', pg_temp.id(n),
             (ARRAY['queued', 'dispatched', 'delivered', 'opened', 'clicked'])[k]::mailglass_event_type,
             began + (ARRAY['0 s', '1 s', '1 min', '30 min', '1 hour'])[k]::interval,
             CASE WHEN k > 1 THEN 'sendgrid:' || substr(md5(n || ':' || k), 1, 22) END,
             jsonb_build_object('provider', 'sendgrid', 'provider_message_id', md5(n::text), 'sg_event_id', md5(k || ':' || n)),
             began
         FROM generate_series(1, {deliveries}::bigint) AS n, generate_series(1, 5) AS k,
             LATERAL (SELECT pg_temp.began(n) AS began) AS time"
    );
    // One transaction, so that now() is the same time in both.
    conn.batch_execute(&statements)?;
    for statement in [
        "VACUUM ANALYZE mailglass_deliveries",
        "VACUUM ANALYZE mailglass_events",
        "CHECKPOINT",
    ] {
        conn.batch_execute(statement)?;
    }
    Ok(())
}

fn cut(conn: &mut PgConnection, months: u32) -> Result<CutReport, Failure> {
    let locks = observe_locks(conn);
    let start = Instant::now();
    let mut phase = retention::begin(conn, &CutOptions::before(Utc::now() - Months::new(months)))?.phase;
    let mut begun = Instant::now();
    let report = loop {
        match retention::step(conn)? {
            Step::Continue(status) if status.phase == phase => {}
            Step::Continue(status) => {
                println!("{phase}: {:?}", begun.elapsed());
                (phase, begun) = (status.phase, Instant::now());
            }
            Step::Finished(report) => break report,
        }
    };
    println!("{phase}: {:?}", begun.elapsed());
    println!("the whole cut: {:?}", start.elapsed());
    for (mode, held) in locks.lock().map_err(|_| "the observer panicked")?.iter() {
        println!("the ledger was locked ({mode}) for {held:?}, the request included");
    }
    Ok(report)
}

/// From the request of a lock to the end of its transaction.
type Locks = Arc<Mutex<Vec<(&'static str, Duration)>>>;

fn observe_locks(conn: &mut PgConnection) -> Locks {
    let locks = Locks::default();
    let seen = Arc::clone(&locks);
    let mut requested = None;
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| match event {
        InstrumentationEvent::StartQuery { query, .. } => {
            let query = query.to_string();
            for mode in ["SHARE ROW EXCLUSIVE", "ACCESS EXCLUSIVE"] {
                if query.contains(&format!("IN {mode} MODE")) {
                    requested = Some((mode, Instant::now()));
                }
            }
        }
        InstrumentationEvent::FinishQuery { query, .. } if query.to_string().starts_with("COMMIT") => {
            if let (Some((mode, since)), Ok(mut seen)) = (requested.take(), seen.lock()) {
                seen.push((mode, since.elapsed()));
            }
        }
        _ => {}
    });
    locks
}

/// Records one event after the other, and returns how long each call took, sorted.
fn record(url: &str, is_over: &AtomicBool) -> Result<Vec<Duration>, Failure> {
    let conn = &mut PgConnection::establish(url)?;
    let delivery = NewDelivery::new(TENANT, "welcome", Stream::Transactional, "ann@example.com")
        .insert(conn)?
        .into_delivery();
    let mut waits = Vec::new();
    while !is_over.load(Ordering::Relaxed) {
        let opened = NewEvent::new(TENANT, EventType::Opened, Utc::now()).delivery(delivery.id);
        let start = Instant::now();
        ledger::record(conn, &[opened])?;
        waits.push(start.elapsed());
        thread::sleep(Duration::from_millis(1));
    }
    waits.sort_unstable();
    Ok(waits)
}
