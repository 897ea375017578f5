//! Concurrent calls of every kind while backends are terminated: events that are recorded before their delivery is inserted,
//! deliveries that several threads insert at once, that are deleted and inserted again, sweeps that link and sweeps that
//! expire events, rebuilds and repairs. Every 50 ms a backend is terminated, and its client repeats the call with the same
//! keys. `projection::verify` never reports a divergence. In the end, no acknowledged event or delivery is missing, and no
//! event is linked to another tenant's delivery.
//!
//! Each test runs for 3 seconds, or for `MAILGLASS_STRESS_SECONDS` seconds.

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
use mailglass::tenancy::Tenants;
use mailglass::{Delivery, DeliveryChanges, Event, EventType, NewDelivery, NewEvent, Result, Stream, ledger};
use serde_json::json;
use uuid::Uuid;

use crate::support::{Database, at, connect, database};

/// Both tenants use the same message ids, so the test would detect a link that ignores the tenant.
const TENANTS: [&str; 2] = ["acme", "globex"];
const DELIVERIES: u64 = 12;

/// What the workers share with each other and with the checks at the end.
#[derive(Default)]
struct Log {
    is_over: AtomicBool,
    /// The first event that no worker has recorded.
    next_event: AtomicU64,
    acknowledged: Mutex<BTreeSet<u64>>,
    fresh: Mutex<Vec<u64>>,
    inserted: Mutex<BTreeSet<(usize, u64)>>,
    dispatched: Mutex<BTreeSet<(usize, u64)>>,
    /// How many times a worker lost its connection.
    lost_connections: AtomicU64,
    verified: AtomicU64,
}

/// Stops all threads when one of them returns or panics.
struct OverOnDrop<'a>(&'a Log);

impl Drop for OverOnDrop<'_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::SeqCst);
    }
}

struct Worker<'a> {
    database: &'a Database,
    isolation: &'a str,
    log: &'a Log,
    conn: Option<PgConnection>,
    random: u64,
}

impl Worker<'_> {
    /// A pseudo-random number below `end`.
    fn random_below(&mut self, end: u64) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.random.hash(&mut hasher);
        self.random = hasher.finish();
        self.random % end
    }

    /// Repeats the call until it succeeds, as a client does; `None` if its row was changed or deleted by another worker.
    fn call<T>(&mut self, call: impl Fn(&mut PgConnection) -> Result<T>) -> Option<T> {
        loop {
            let conn = self.conn.get_or_insert_with(|| {
                let mut conn = connect(self.database);
                let settings = format!(
                    "SET application_name = 'worker'; SET default_transaction_isolation = '{}'",
                    self.isolation
                );
                // If the backend is terminated already, the call below fails.
                let _ = conn.batch_execute(&settings);
                conn
            });
            match call(conn) {
                Ok(answer) => return Some(answer),
                Err(error) if error.is_stale_entry() || error.is_not_found() || error.is_step_rejected() => {
                    return None;
                }
                Err(error) if error.is_serialization_failure() => {}
                Err(error) if error.is_database() && sql_query("SELECT 1").execute(conn).is_err() => {
                    self.log.lost_connections.fetch_add(1, Ordering::Relaxed);
                    self.conn = None;
                }
                Err(error) => panic!("{error:?}"),
            }
        }
    }

    /// Records events by delivery and by message. Most of them are replays.
    fn record(&mut self) {
        let newest = self.log.next_event.load(Ordering::Relaxed);
        let mut numbers = BTreeSet::from([newest]);
        for _ in 0..self.random_below(4) {
            numbers.insert(newest.saturating_sub(self.random_below(30)));
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

    fn insert(&mut self) {
        let tenant = self.random_below(2) as usize;
        let first = self.random_below(DELIVERIES);
        let mut numbers: Vec<u64> = (0..=self.random_below(3))
            .map(|step| (first + step * 5) % DELIVERIES)
            .collect();
        if self.random_below(2) == 0 {
            numbers.reverse();
        }
        let batch: Vec<NewDelivery> = numbers.iter().map(|number| delivery(tenant, *number)).collect();
        let is_inserted = match batch.as_slice() {
            [one] => self.call(|conn| one.insert(conn)).is_some(),
            _ => self.call(|conn| NewDelivery::insert_all(conn, &batch)).is_some(),
        };
        if is_inserted {
            let numbers = numbers.into_iter().map(|number| (tenant, number));
            self.log.inserted.lock().unwrap().extend(numbers);
        }
    }

    fn change(&mut self) {
        let (tenant, number) = (self.random_below(2) as usize, self.random_below(DELIVERIES));
        let Some(found) = self.call(|conn| Delivery::find(conn, TENANTS[tenant], id(tenant, number))) else {
            return;
        };
        match self.random_below(4) {
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
                    metadata: Some(json!({ "random": self.random % 100 })),
                    ..DeliveryChanges::default()
                };
                self.call(|conn| found.update(conn, &changes));
            }
        }
    }

    /// Deletes a delivery with an even number. Deliveries with an odd number are never deleted.
    fn delete(&mut self) {
        let (tenant, number) = (self.random_below(2) as usize, self.random_below(DELIVERIES) & !1);
        let row = mailglass_deliveries::table.find(id(tenant, number));
        self.call(|conn| Ok(diesel::delete(row).execute(conn)?));
        if self.random_below(2) == 0 {
            self.call(|conn| delivery(tenant, number).insert(conn));
        }
        thread::sleep(Duration::from_millis(self.random_below(8)));
    }

    fn sweep(&mut self) {
        let tenant = self.random_below(2) as usize;
        let wanted = SweepOptions {
            tenants: if self.random_below(2) == 0 {
                Tenants::Only(TENANTS[tenant].to_owned())
            } else {
                Tenants::All
            },
            grace: Duration::from_millis(self.random_below(5)),
            // Short enough that events expire before their delivery is inserted.
            max_age: Duration::from_millis(20 + self.random_below(400)),
            ..SweepOptions::all_tenants()
        };
        self.call(|conn| sweep(conn, &wanted));
        thread::sleep(Duration::from_millis(self.random_below(6)));
    }

    fn rebuild(&mut self) {
        let (tenant, number) = (self.random_below(2) as usize, self.random_below(DELIVERIES));
        let corrected = match self.random_below(3) {
            0 => self.call(|conn| projection::rebuild_all(conn, TENANTS[tenant])),
            1 => self.call(|conn| projection::repair(conn, TENANTS[tenant])),
            _ => self
                .call(|conn| projection::rebuild(conn, TENANTS[tenant], id(tenant, number)))
                .map(|_| 0),
        };
        assert_eq!(corrected.unwrap_or(0), 0, "no projection needed a correction");
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
    .idempotency_key(format!("{name}:delivery:{number}"))
    .first_event(EventType::Queued, at(0));
    match number % 3 {
        0 => delivery.provider("ses").provider_message_id(format!("m{number}")),
        _ => delivery,
    }
}

/// An event whose fields depend on its number alone, so that a second event with the number is a replay.
fn event(number: u64) -> NewEvent {
    let mut hasher = DefaultHasher::new();
    number.hash(&mut hasher);
    let hash = hasher.finish();
    let (tenant, delivery) = ((hash % 2) as usize, hash / 2 % DELIVERIES);
    let event_type = EventType::ALL[(hash / 100) as usize % EventType::ALL.len()];
    let event = NewEvent::new(TENANTS[tenant], event_type, at((hash / 5_000 % 60) as i64))
        .idempotency_key(format!("event:{number}"));
    match hash / 1_000_000 % 2 {
        0 => event.delivery(id(tenant, delivery)),
        _ => event.provider_message("ses", format!("m{delivery}")),
    }
}

/// The call that a worker repeats.
type Work = fn(&mut Worker<'_>);

const WORK: [Work; 12] = [
    |worker| worker.record(),
    |worker| worker.record(),
    |worker| worker.record(),
    |worker| worker.insert(),
    |worker| worker.insert(),
    |worker| worker.insert(),
    |worker| worker.change(),
    |worker| worker.change(),
    |worker| worker.delete(),
    |worker| worker.sweep(),
    |worker| worker.sweep(),
    |worker| worker.rebuild(),
];

fn run_all_workers(isolation: &str) {
    let seconds = env::var("MAILGLASS_STRESS_SECONDS").map_or(3, |seconds| seconds.parse().unwrap());
    let database = database();
    let log = Log::default();
    // The seed determines each worker's calls, but not the order between workers.
    let seed = RandomState::new().hash_one(0);
    println!("seed {seed}");
    thread::scope(|scope| {
        for (number, work) in WORK.iter().enumerate() {
            let mut worker = Worker {
                database: &database,
                isolation,
                log: &log,
                conn: None,
                random: seed.wrapping_add(number as u64),
            };
            scope.spawn(move || {
                let _over = OverOnDrop(worker.log);
                while !worker.log.is_over.load(Ordering::SeqCst) {
                    work(&mut worker);
                }
            });
        }
        scope.spawn(|| verify_repeatedly(&database, &log));
        terminate_repeatedly(&database, &log, Instant::now() + Duration::from_secs(seconds));
    });
    assert_nothing_is_lost(&database, &log);
}

fn verify_repeatedly(database: &Database, log: &Log) {
    let _over = OverOnDrop(log);
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

/// Terminates the backend of a random worker every 50 ms.
fn terminate_repeatedly(database: &Database, log: &Log, end: Instant) {
    let _over = OverOnDrop(log);
    let mut conn = connect(database);
    while Instant::now() < end && !log.is_over.load(Ordering::SeqCst) {
        sql_query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name = 'worker' ORDER BY random() LIMIT 1",
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

fn assert_nothing_is_lost(database: &Database, log: &Log) {
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
    assert_eq!(keys.len(), events.len(), "each key is recorded once");
    for number in log.acknowledged.lock().unwrap().iter() {
        assert!(
            keys.contains(&format!("event:{number}")),
            "event {number} was acknowledged and is missing"
        );
    }
    let fresh = log.fresh.lock().unwrap().clone();
    let distinct: BTreeSet<u64> = fresh.iter().copied().collect();
    assert_eq!(distinct.len(), fresh.len(), "each event is new to at most one call");

    let crossing = "SELECT count(*) FROM mailglass_event_links AS link
                    JOIN mailglass_events AS event ON event.id = link.event_id
                    LEFT JOIN mailglass_deliveries AS delivery ON delivery.id = link.delivery_id
                    WHERE event.tenant_id <> link.tenant_id OR delivery.tenant_id <> link.tenant_id";
    let crossing: Count = sql_query(crossing).get_result(&mut conn).unwrap();
    assert_eq!(crossing.count, 0, "a link crosses tenants");

    let deliveries: Vec<Delivery> = mailglass_deliveries::table
        .select(Delivery::as_select())
        .load(&mut conn)
        .unwrap();
    for delivery in &deliveries {
        let timeline = delivery.timeline(&mut conn).unwrap();
        assert!(timeline.iter().all(|event| event.tenant_id == delivery.tenant_id));
        assert_eq!(Some(Projection::from(delivery)), fold(&timeline));
    }
    let find = |(tenant, number): (usize, u64)| {
        (deliveries.iter()).find(|delivery| delivery.id == id(tenant, number) && delivery.tenant_id == TENANTS[tenant])
    };
    let is_never_deleted = |(_, number): &&(usize, u64)| number % 2 == 1;
    for &inserted in log.inserted.lock().unwrap().iter().filter(is_never_deleted) {
        assert!(
            find(inserted).is_some(),
            "delivery {inserted:?} was acknowledged and is missing"
        );
    }
    for &dispatched in log.dispatched.lock().unwrap().iter().filter(is_never_deleted) {
        let delivery = find(dispatched).unwrap();
        assert!(delivery.dispatched_at.is_some() && delivery.provider_message_id.is_some());
    }
    for tenant in TENANTS {
        assert_eq!(projection::verify(&mut conn, tenant).unwrap(), []);
        assert_eq!(projection::rebuild_all(&mut conn, tenant).unwrap(), 0);
    }
    let [lost, verified] = [&log.lost_connections, &log.verified].map(|count| count.load(Ordering::Relaxed));
    println!(
        "{} events, {lost} lost connections, verified {verified} times",
        events.len()
    );
    assert!(
        lost > 0 && verified > 0,
        "no connection was lost, or nothing was verified"
    );
}

#[test]
fn no_acknowledged_write_is_lost_under_read_committed() {
    run_all_workers("read committed");
}

#[test]
fn no_acknowledged_write_is_lost_under_repeatable_read() {
    run_all_workers("repeatable read");
}

#[test]
fn no_acknowledged_write_is_lost_under_serializable() {
    run_all_workers("serializable");
}
