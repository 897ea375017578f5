//! The storm in which connections are cut: events that arrive before their delivery, deliveries that several threads enqueue
//! at once, that are deleted and inserted again, sweeps that link and sweeps that give up, rebuilds and repairs. A backend
//! is terminated every few milliseconds, and whoever lost it calls again with the same keys. `projection::verify` reports
//! nothing at any moment; in the end nothing that was acknowledged is missing and nothing crossed a tenant.
//!
//! It lasts a few seconds, or as many as `MAILGLASS_STORM_SECONDS` says.

use std::collections::BTreeSet;
use std::env;
use std::hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;
use mailglass::projection::{self, Projection, fold};
use mailglass::reconciler::{SweepOptions, sweep};
use mailglass::schema::{mailglass_deliveries, mailglass_events};
use mailglass::{Delivery, DeliveryChanges, Event, EventType, NewDelivery, NewEvent, Result, Stream, ledger};
use scratch_postgres::Database;
use serde_json::json;
use uuid::Uuid;

use crate::support::{at, connect, database};

/// Both use the same message ids, so a link that ignored the tenant would be found out.
const TENANTS: [&str; 2] = ["acme", "globex"];
const DELIVERIES: u64 = 12;

/// What the workers tell each other and the end.
#[derive(Default)]
struct Log {
    is_over: AtomicBool,
    /// The next event that nobody has recorded.
    next_event: AtomicU64,
    acknowledged: Mutex<BTreeSet<u64>>,
    fresh: Mutex<Vec<u64>>,
    enqueued: Mutex<BTreeSet<(usize, u64)>>,
    dispatched: Mutex<BTreeSet<(usize, u64)>>,
    /// How many times a worker found its connection cut.
    cuts: AtomicU64,
    verified: AtomicU64,
}

/// Ends the storm also when somebody panics.
struct EndsTheStorm<'a>(&'a Log);

impl Drop for EndsTheStorm<'_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::SeqCst);
    }
}

struct Worker<'a> {
    database: &'a Database,
    isolation: &'a str,
    log: &'a Log,
    conn: Option<PgConnection>,
    chance: u64,
}

impl Worker<'_> {
    fn some(&mut self, of: u64) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.chance.hash(&mut hasher);
        self.chance = hasher.finish();
        self.chance % of
    }

    /// Calls until it is done, as a client does; `None` if the row that it was about has moved on or is gone.
    fn call<T>(&mut self, call: impl Fn(&mut PgConnection) -> Result<T>) -> Option<T> {
        loop {
            let conn = self.conn.get_or_insert_with(|| {
                let mut conn = connect(self.database);
                let settings = format!(
                    "SET application_name = 'storm'; SET default_transaction_isolation = '{}'",
                    self.isolation
                );
                // Cut already, it may be: the call will tell.
                let _ = conn.batch_execute(&settings);
                conn
            });
            match call(conn) {
                Ok(answer) => return Some(answer),
                Err(error) if error.is_stale_entry() || error.is_not_found() => return None,
                Err(error) if error.is_serialization_failure() => {}
                Err(error) if error.is_database() && sql_query("SELECT 1").execute(conn).is_err() => {
                    self.log.cuts.fetch_add(1, Ordering::Relaxed);
                    self.conn = None;
                }
                Err(error) => panic!("{error:?}"),
            }
        }
    }

    /// Events by delivery and by message, most of them not for the first time.
    fn record(&mut self) {
        let newest = self.log.next_event.load(Ordering::Relaxed);
        let mut numbers = BTreeSet::from([newest]);
        for _ in 0..self.some(4) {
            numbers.insert(newest.saturating_sub(self.some(30)));
        }
        let events: Vec<NewEvent> = numbers.iter().map(|number| event(*number)).collect();
        let Some(answers) = self.call(|conn| ledger::record(conn, &events)) else {
            return;
        };
        self.log.next_event.fetch_max(newest + 1, Ordering::Relaxed);
        for (number, answer) in numbers.iter().zip(&answers) {
            if !answer.is_replay() {
                self.log.fresh.lock().unwrap().push(*number);
            }
        }
        self.log.acknowledged.lock().unwrap().extend(numbers);
    }

    fn enqueue(&mut self) {
        let tenant = self.some(2) as usize;
        let first = self.some(DELIVERIES);
        let mut numbers: Vec<u64> = (0..=self.some(3)).map(|step| (first + step * 5) % DELIVERIES).collect();
        if self.some(2) == 0 {
            numbers.reverse();
        }
        let batch: Vec<NewDelivery> = numbers.iter().map(|number| delivery(tenant, *number)).collect();
        let enqueued = match batch.as_slice() {
            [one] => self.call(|conn| one.insert(conn)).is_some(),
            _ => self.call(|conn| NewDelivery::insert_all(conn, &batch)).is_some(),
        };
        if enqueued {
            let numbers = numbers.into_iter().map(|number| (tenant, number));
            self.log.enqueued.lock().unwrap().extend(numbers);
        }
    }

    fn send(&mut self) {
        let (tenant, number) = (self.some(2) as usize, self.some(DELIVERIES));
        let Some(found) = self.call(|conn| Delivery::find(conn, TENANTS[tenant], id(tenant, number))) else {
            return;
        };
        match self.some(4) {
            0 => {
                let message = format!("m{number}");
                let dispatched = self.call(|conn| found.mark_dispatched(conn, "ses", &message, at(3)));
                if dispatched.is_some() {
                    self.log.dispatched.lock().unwrap().insert((tenant, number));
                }
            }
            1 => drop(self.call(|conn| found.mark_failed(conn, json!({ "code": 451 }), at(4)))),
            2 => drop(self.call(|conn| found.mark_suppressed(conn, None, at(5)))),
            _ => {
                let changes = DeliveryChanges {
                    metadata: Some(json!({ "chance": self.chance % 100 })),
                    ..DeliveryChanges::default()
                };
                self.call(|conn| found.update(conn, &changes));
            }
        }
    }

    /// Deliveries with an even number come and go; those with an odd one stay.
    fn delete(&mut self) {
        let (tenant, number) = (self.some(2) as usize, self.some(DELIVERIES) & !1);
        let row = mailglass_deliveries::table.find(id(tenant, number));
        self.call(|conn| Ok(diesel::delete(row).execute(conn)?));
        if self.some(2) == 0 {
            self.call(|conn| delivery(tenant, number).insert(conn));
        }
        thread::sleep(Duration::from_millis(self.some(8)));
    }

    fn sweep(&mut self) {
        let tenant = self.some(2) as usize;
        let wanted = SweepOptions {
            tenant: (self.some(2) == 0).then(|| TENANTS[tenant].to_owned()),
            grace: Duration::from_millis(self.some(5)),
            // Some are given up, and their delivery comes afterwards.
            max_age: Duration::from_millis(20 + self.some(400)),
            ..SweepOptions::default()
        };
        self.call(|conn| sweep(conn, &wanted));
        thread::sleep(Duration::from_millis(self.some(6)));
    }

    fn rebuild(&mut self) {
        let (tenant, number) = (self.some(2) as usize, self.some(DELIVERIES));
        let corrected = match self.some(3) {
            0 => self.call(|conn| projection::rebuild_all(conn, TENANTS[tenant])),
            1 => self.call(|conn| projection::repair(conn, TENANTS[tenant])),
            _ => self
                .call(|conn| projection::rebuild(conn, TENANTS[tenant], id(tenant, number)))
                .map(|_| 0),
        };
        assert_eq!(corrected.unwrap_or(0), 0, "there was nothing to correct");
    }
}

fn id(tenant: usize, number: u64) -> Uuid {
    Uuid::from_u64_pair(1 + tenant as u64, 1 + number)
}

fn delivery(tenant: usize, number: u64) -> NewDelivery {
    let name = TENANTS[tenant];
    let delivery = NewDelivery::new(
        name,
        "welcome",
        Stream::Transactional,
        format!("{number}@{name}.example"),
    )
    .id(id(tenant, number))
    .idempotency_key(format!("{name}:enqueue:{number}"))
    .first_event(EventType::Queued, at(0));
    match number % 3 {
        0 => delivery.provider("ses").provider_message_id(format!("m{number}")),
        _ => delivery,
    }
}

/// The event with a number: all about it follows from that, so that a replay is one.
fn event(number: u64) -> NewEvent {
    let mut hasher = DefaultHasher::new();
    number.hash(&mut hasher);
    let chance = hasher.finish();
    let (tenant, delivery) = ((chance % 2) as usize, chance / 2 % DELIVERIES);
    let event_type = EventType::ALL[(chance / 100) as usize % EventType::ALL.len()];
    let event = NewEvent::new(TENANTS[tenant], event_type, at((chance / 5_000 % 60) as i64))
        .idempotency_key(format!("event:{number}"));
    match chance / 1_000_000 % 2 {
        0 => event.delivery(id(tenant, delivery)),
        _ => event.provider_message("ses", format!("m{delivery}")),
    }
}

/// What a worker does over and over.
type Work = fn(&mut Worker<'_>);

const WORK: [Work; 12] = [
    |worker| worker.record(),
    |worker| worker.record(),
    |worker| worker.record(),
    |worker| worker.enqueue(),
    |worker| worker.enqueue(),
    |worker| worker.enqueue(),
    |worker| worker.send(),
    |worker| worker.send(),
    |worker| worker.delete(),
    |worker| worker.sweep(),
    |worker| worker.sweep(),
    |worker| worker.rebuild(),
];

fn storm(isolation: &str) {
    let seconds = env::var("MAILGLASS_STORM_SECONDS").map_or(3, |seconds| seconds.parse().unwrap());
    let database = database();
    let log = Log::default();
    // Said when it fails, although the order of things is not the same again.
    let seed = RandomState::new().hash_one(0);
    println!("seed {seed}");
    thread::scope(|scope| {
        for (number, work) in WORK.iter().enumerate() {
            let mut worker = Worker {
                database: &database,
                isolation,
                log: &log,
                conn: None,
                chance: seed.wrapping_add(number as u64),
            };
            scope.spawn(move || {
                let _ends = EndsTheStorm(worker.log);
                while !worker.log.is_over.load(Ordering::SeqCst) {
                    work(&mut worker);
                }
            });
        }
        scope.spawn(|| verify_all_along(&database, &log));
        cut_all_along(&database, &log, Instant::now() + Duration::from_secs(seconds));
    });
    nothing_is_lost(&database, &log);
}

fn verify_all_along(database: &Database, log: &Log) {
    let _ends = EndsTheStorm(log);
    let mut conn = connect(database);
    while !log.is_over.load(Ordering::SeqCst) {
        for tenant in TENANTS {
            let divergences = projection::verify(&mut conn, tenant).unwrap();
            assert_eq!(divergences, [], "{}", divergences[0]);
        }
        log.verified.fetch_add(1, Ordering::Relaxed);
        thread::sleep(Duration::from_millis(1));
    }
}

/// Terminates one of the workers' backends after another, whatever it is doing.
fn cut_all_along(database: &Database, log: &Log, end: Instant) {
    let _ends = EndsTheStorm(log);
    let mut conn = connect(database);
    while Instant::now() < end && !log.is_over.load(Ordering::SeqCst) {
        sql_query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name = 'storm' ORDER BY random() LIMIT 1",
        )
        .execute(&mut conn)
        .unwrap();
        thread::sleep(Duration::from_millis(50));
    }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

fn nothing_is_lost(database: &Database, log: &Log) {
    let mut conn = connect(database);
    let events: Vec<Event> = mailglass_events::table
        .filter(mailglass_events::idempotency_key.is_not_null())
        .select(Event::as_select())
        .load(&mut conn)
        .unwrap();
    let keys: BTreeSet<String> = events
        .iter()
        .filter_map(|event| event.idempotency_key.clone())
        .collect();
    assert_eq!(keys.len(), events.len(), "no key is there twice");
    for number in log.acknowledged.lock().unwrap().iter() {
        assert!(
            keys.contains(&format!("event:{number}")),
            "event {number} was acknowledged"
        );
    }
    let mut fresh = log.fresh.lock().unwrap().clone();
    let answers = fresh.len();
    fresh.sort_unstable();
    fresh.dedup();
    assert_eq!(fresh.len(), answers, "each event was fresh for one call at most");

    let crossing = "SELECT count(*) FROM mailglass_event_links AS link
                    JOIN mailglass_events AS event ON event.id = link.event_id
                    LEFT JOIN mailglass_deliveries AS delivery ON delivery.id = link.delivery_id
                    WHERE event.tenant_id <> link.tenant_id OR delivery.tenant_id <> link.tenant_id";
    let crossing: Count = sql_query(crossing).get_result(&mut conn).unwrap();
    assert_eq!(crossing.count, 0, "links stay inside their tenant");

    let deliveries: Vec<Delivery> = mailglass_deliveries::table
        .select(Delivery::as_select())
        .load(&mut conn)
        .unwrap();
    for delivery in &deliveries {
        let timeline = delivery.timeline(&mut conn).unwrap();
        assert!(timeline.iter().all(|event| event.tenant_id == delivery.tenant_id));
        assert_eq!(Some(Projection::from(delivery)), fold(&timeline));
    }
    let there = |(tenant, number): (usize, u64)| {
        (deliveries.iter()).find(|delivery| delivery.id == id(tenant, number) && delivery.tenant_id == TENANTS[tenant])
    };
    let stays = |(_, number): &&(usize, u64)| number % 2 == 1;
    for &enqueued in log.enqueued.lock().unwrap().iter().filter(stays) {
        assert!(there(enqueued).is_some(), "delivery {enqueued:?} was acknowledged");
    }
    for &dispatched in log.dispatched.lock().unwrap().iter().filter(stays) {
        let delivery = there(dispatched).unwrap();
        assert!(delivery.dispatched_at.is_some() && delivery.provider_message_id.is_some());
    }
    for tenant in TENANTS {
        assert_eq!(projection::verify(&mut conn, tenant).unwrap(), []);
        assert_eq!(projection::rebuild_all(&mut conn, tenant).unwrap(), 0);
    }
    let [cuts, verified] = [&log.cuts, &log.verified].map(|count| count.load(Ordering::Relaxed));
    println!("{} events, {cuts} cuts, verified {verified} times", events.len());
    assert!(cuts > 0 && verified > 0, "there was a storm");
}

#[test]
fn connections_are_cut_under_read_committed() {
    storm("read committed");
}

#[test]
fn connections_are_cut_under_repeatable_read() {
    storm("repeatable read");
}

#[test]
fn connections_are_cut_under_serializable() {
    storm("serializable");
}
