//! Many workers that crash at random, with a provider that sometimes fails. Leases expire at random, too, so that slow workers compete
//! with others for the same delivery.
//!
//! `MAILGLASS_OUTBOX_DELIVERIES=100000` runs it with that many deliveries and eight workers.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_query;
use mailglass::outbox::{self, Attempt, Claim, ClaimOptions, SentMessage, UnknownAttempts, Wake};
use mailglass::tenancy::Tenants;
use mailglass::{DeliveryStatus, EventType, NewDelivery, Stream, projection};
use serde_json::json;
use uuid::Uuid;

use super::{options, rows};
use crate::support::{Database, connect, database};

/// A provider that sends each message once for one idempotency key, if it knows such keys.
struct Provider {
    knows_keys: bool,
    /// The messages of each delivery.
    messages: Mutex<HashMap<Uuid, Vec<String>>>,
    numbers: AtomicU64,
    random: RandomState,
}

impl Provider {
    fn new(knows_keys: bool) -> Self {
        Provider {
            knows_keys,
            messages: Mutex::default(),
            numbers: AtomicU64::new(0),
            random: RandomState::new(),
        }
    }

    /// A random number below `range`.
    fn random(&self, range: u64) -> u64 {
        self.random.hash_one(self.numbers.fetch_add(1, Ordering::Relaxed)) % range
    }

    /// Sends a message, unless it fails before that, and returns its id.
    fn send(&self, delivery: Uuid) -> Option<String> {
        if self.random(10) == 0 {
            return None;
        }
        let mut messages = self.messages.lock().unwrap();
        let messages = messages.entry(delivery).or_default();
        if messages.is_empty() || !self.knows_keys {
            messages.push(format!("{delivery}/{}", messages.len()));
        }
        messages.last().cloned()
    }
}

/// A worker's process is gone: it drops what it has.
struct Crashed;

/// Crashes once in a while.
fn step(provider: &Provider) -> Result<(), Crashed> {
    if provider.random(25) == 0 { Err(Crashed) } else { Ok(()) }
}

/// One round of a worker, alone or in batches.
fn round(conn: &mut PgConnection, provider: &Provider, options: &ClaimOptions) -> Result<(), Crashed> {
    let claims = outbox::claim(conn, options).unwrap();
    step(provider)?;
    if provider.random(2) == 0 {
        for claim in claims {
            send_one(conn, provider, &claim)?;
        }
        return Ok(());
    }
    let attempts = outbox::begin_all(conn, &claims).unwrap();
    let mut sent = Vec::new();
    for attempt in attempts {
        step(provider)?;
        match provider.send(attempt.delivery().id) {
            Some(provider_message_id) => sent.push(SentMessage {
                attempt,
                provider: "fake".to_owned(),
                provider_message_id,
            }),
            None => retry(conn, &attempt),
        }
    }
    step(provider)?;
    outbox::sent_all(conn, &sent).unwrap();
    Ok(())
}

fn send_one(conn: &mut PgConnection, provider: &Provider, claim: &Claim) -> Result<(), Crashed> {
    step(provider)?;
    let attempt = match claim.begin(conn) {
        Ok(attempt) => attempt,
        Err(error) if error.is_lease_lost() => return Ok(()),
        Err(error) => panic!("{error}"),
    };
    step(provider)?;
    let message = provider.send(attempt.delivery().id);
    step(provider)?;
    match message {
        Some(id) => drop(attempt.sent(conn, "fake", id).unwrap()),
        None => retry(conn, &attempt),
    }
    Ok(())
}

fn retry(conn: &mut PgConnection, attempt: &Attempt) {
    match attempt.retry(conn, json!({ "status": 503 }), Duration::ZERO) {
        Ok(_) => {}
        Err(error) => assert!(error.is_lease_lost(), "{error}"),
    }
}

/// Works until nothing waits but what is held.
fn work(database: &Database, provider: &Provider, options: &ClaimOptions) {
    let mut conn = connect(database);
    loop {
        if let Err(Crashed) = round(&mut conn, provider, options) {
            conn = connect(database);
        }
        if outbox::wait(&mut conn, &Tenants::All, Duration::ZERO).unwrap() == Wake::TimedOut {
            let status = outbox::status(&mut conn, &Tenants::All).unwrap();
            if status
                .iter()
                .all(|status| status.due + status.scheduled + status.leased == 0)
            {
                return;
            }
        }
    }
}

/// Lets leases and pauses end before their time, also those of workers that are busy, until the workers are done.
fn hurry(database: &Database, is_done: &AtomicBool) {
    let mut conn = connect(database);
    while !is_done.load(Ordering::Relaxed) {
        sql_query(
            "UPDATE mailglass_outbox AS entry SET available_at = now()
             FROM (SELECT delivery_id FROM mailglass_outbox WHERE held_at IS NULL AND available_at > now()
                   AND random() < 0.3 FOR UPDATE SKIP LOCKED) AS hurried
             WHERE entry.delivery_id = hurried.delivery_id",
        )
        .execute(&mut conn)
        .unwrap();
    }
}

fn send_all(provider: &Provider, unknown_attempts: UnknownAttempts) -> Database {
    let scale = std::env::var("MAILGLASS_OUTBOX_DELIVERIES")
        .ok()
        .map(|count| count.parse().unwrap());
    let (count, workers) = scale.map_or((400, 3), |count: usize| (count, 8));
    let database = database();
    let mut conn = connect(&database);
    for batch in (0..count).collect::<Vec<_>>().chunks(5_000) {
        let new = |number: &usize| {
            let stream = Stream::ALL[number % 3];
            NewDelivery::new(
                format!("tenant-{}", number % 7),
                "news",
                stream,
                format!("r{number}@x.org"),
            )
            .send()
        };
        NewDelivery::insert_all(&mut conn, &batch.iter().map(new).collect::<Vec<_>>()).unwrap();
    }
    let options = ClaimOptions {
        unknown_attempts,
        max_attempts: 1_000,
        ..options()
    };
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers)
            .map(|_| scope.spawn(|| work(&database, provider, &options)))
            .collect();
        scope.spawn(|| hurry(&database, &is_done));
        for worker in workers {
            worker.join().unwrap();
        }
        is_done.store(true, Ordering::Relaxed);
    });
    database
}

fn statuses(conn: &mut PgConnection) -> HashMap<DeliveryStatus, i64> {
    use mailglass::schema::mailglass_deliveries::dsl;
    let counts: Vec<(DeliveryStatus, i64)> = dsl::mailglass_deliveries
        .group_by(dsl::status)
        .select((dsl::status, diesel::dsl::count_star()))
        .load(conn)
        .unwrap();
    counts.into_iter().collect()
}

/// With a provider that knows idempotency keys, every delivery is sent, and each once.
#[test]
fn every_delivery_ends_and_each_message_is_sent_once() {
    let provider = Provider::new(true);
    let database = send_all(&provider, UnknownAttempts::Resend);
    let mut conn = connect(&database);
    let messages = provider.messages.lock().unwrap();
    assert_eq!(rows(&mut conn), 0);
    assert_eq!(
        statuses(&mut conn),
        HashMap::from([(DeliveryStatus::Dispatched, messages.len() as i64)])
    );
    assert!(messages.values().all(|messages| messages.len() == 1));
    // No message is recorded twice.
    let dispatched: i64 = {
        use mailglass::schema::mailglass_events::dsl;
        dsl::mailglass_events
            .filter(dsl::type_.eq(EventType::Dispatched))
            .count()
            .get_result(&mut conn)
            .unwrap()
    };
    assert_eq!(dispatched, messages.len() as i64);
    for tenant in 0..7 {
        assert!(
            projection::verify(&mut conn, &format!("tenant-{tenant}"))
                .unwrap()
                .is_empty()
        );
    }
}

/// With a provider that knows none, holding never sends twice. What is held was begun, and may have been sent.
#[test]
fn holding_never_sends_twice() {
    let provider = Provider::new(false);
    let database = send_all(&provider, UnknownAttempts::Hold);
    let mut conn = connect(&database);
    let messages = provider.messages.lock().unwrap();
    assert!(messages.values().all(|messages| messages.len() == 1));
    let held = outbox::held(&mut conn, &Tenants::All, 1_000_000).unwrap();
    assert_eq!(rows(&mut conn), held.len() as i64);
    assert!(held.iter().all(|held| held.may_have_been_sent));
    let statuses = statuses(&mut conn);
    assert_eq!(
        statuses.get(&DeliveryStatus::Queued).copied().unwrap_or_default(),
        held.len() as i64
    );
    // Every message was either recorded, or its delivery is held.
    let known = messages.len() as i64 - statuses[&DeliveryStatus::Dispatched];
    assert!((0..=held.len() as i64).contains(&known));
}
