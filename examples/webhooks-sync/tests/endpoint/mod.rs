//! The tests of the three examples, which are processes and promise the same.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't continue panics"
)]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use chrono::Utc;
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use mailglass::schema::mailglass_events;
use mailglass::{Delivery, EventType};
use mailglass_webhooks::{MAX_BODY_BYTES, Provider};
use test_support::{TENANT, at, connect, database, to};
use ureq::Agent;

use super::EXAMPLE;

const SECRET: &str = "mailglass:secret of the tests";

/// The message of the sample.
const MESSAGE_ID: &str = "883953f4-6105-42a2-a16a-77a8eac79483";

/// The example as a process, with a migrated database of its own. The order of the fields is the order in which they end.
struct Endpoint {
    _process: Killed,
    url: String,
    conn: PgConnection,
    _database: scratch_postgres::Database,
}

/// Kills the process when it is dropped.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Endpoint {
    fn start() -> Endpoint {
        let database = database();
        let mut process = Command::new(EXAMPLE)
            .env("DATABASE_URL", database.url())
            .env("WEBHOOK_SECRET", SECRET)
            .env("ADDRESS", "127.0.0.1:0")
            .stdout(Stdio::piped())
            .spawn()
            .map(Killed)
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.0.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        Endpoint {
            url: line.strip_prefix("The endpoint: ").expect(&line).trim().to_owned(),
            _process: process,
            conn: connect(&database),
            _database: database,
        }
    }

    /// Posts a body as Postmark does, and returns the status of the answer.
    fn post(&self, secret: &str, body: &str) -> u16 {
        let sample = Provider::Postmark
            .sign(secret, &self.url, body.as_bytes(), Utc::now())
            .unwrap();
        let mut request = agent().post(&self.url);
        for (name, value) in &sample.headers {
            request = request.header(name, value);
        }
        request.send(&sample.body[..]).unwrap().status().as_u16()
    }

    fn post_sample(&self) -> u16 {
        self.post(SECRET, Provider::Postmark.sample_body())
    }

    fn events(&mut self) -> Vec<EventType> {
        mailglass_events::table
            .order(mailglass_events::id)
            .select(mailglass_events::type_)
            .load(&mut self.conn)
            .unwrap()
    }
}

/// No proxy reaches the endpoint.
fn agent() -> Agent {
    let config = Agent::config_builder().proxy(None).http_status_as_error(false);
    config.build().into()
}

#[test]
fn a_webhook_is_recorded_once_however_often_it_is_repeated() {
    let mut endpoint = Endpoint::start();
    let delivery = to("john@example.com")
        .insert(&mut endpoint.conn)
        .unwrap()
        .into_delivery();
    let delivery = delivery
        .mark_dispatched(&mut endpoint.conn, "postmark", MESSAGE_ID, at(2))
        .unwrap();
    for _ in 0..3 {
        assert_eq!(endpoint.post_sample(), 200);
    }
    let delivery = Delivery::find(&mut endpoint.conn, TENANT, delivery.id).unwrap();
    assert_eq!(delivery.last_event_type, EventType::Delivered);
    assert_eq!(
        delivery.delivered_at.map(|time| time.to_rfc3339()).as_deref(),
        Some("2026-11-05T16:33:54.907025+00:00")
    );
    let events = delivery.timeline(&mut endpoint.conn).unwrap();
    let types: Vec<EventType> = events.iter().map(|event| event.type_).collect();
    assert_eq!(types, [EventType::Queued, EventType::Dispatched, EventType::Delivered]);
}

#[test]
fn a_request_without_the_credentials_is_answered_with_401_and_not_recorded() {
    let mut endpoint = Endpoint::start();
    let body = Provider::Postmark.sample_body();
    assert_eq!(endpoint.post("mailglass:another secret", body), 401);
    assert_eq!(endpoint.post("somebody:secret of the tests", body), 401);
    assert_eq!(agent().post(&endpoint.url).send(body).unwrap().status(), 401);
    assert_eq!(endpoint.events(), []);
}

#[test]
fn a_request_that_is_no_webhook_is_refused_and_the_server_goes_on() {
    let mut endpoint = Endpoint::start();
    for body in ["", "garbage", "{\"RecordType\":", "[[["] {
        assert_eq!(endpoint.post(SECRET, body), 400, "{body}");
    }
    assert_eq!(endpoint.post(SECRET, "{\"RecordType\":\"Inbound\"}"), 422);
    assert_eq!(agent().get(&endpoint.url).call().unwrap().status(), 405);
    assert_eq!(
        agent().post(format!("{}/x", endpoint.url)).send("").unwrap().status(),
        404
    );
    let large = vec![b' '; MAX_BODY_BYTES + 1];
    // A server may refuse it before it has read it all, and close the connection.
    if let Ok(answer) = agent().post(&endpoint.url).send(&large[..]) {
        assert_eq!(answer.status(), 413);
    }
    assert_eq!(endpoint.post_sample(), 200);
    assert_eq!(endpoint.events(), [EventType::Delivered]);
}

#[test]
fn an_event_that_cannot_be_read_is_not_repeated_for_ever() {
    let mut endpoint = Endpoint::start();
    assert_eq!(endpoint.post(SECRET, "{\"RecordType\":\"Delivery\"}"), 200);
    assert_eq!(endpoint.events(), []);
}

#[test]
fn a_database_that_fails_is_answered_with_503_and_the_repeated_request_is_recorded() {
    let mut endpoint = Endpoint::start();
    let (hide, restore) = (
        "ALTER TABLE mailglass_events RENAME TO elsewhere",
        "ALTER TABLE elsewhere RENAME TO mailglass_events",
    );
    endpoint.conn.batch_execute(hide).unwrap();
    assert_eq!(endpoint.post_sample(), 503);
    endpoint.conn.batch_execute(restore).unwrap();
    assert_eq!(endpoint.post_sample(), 200);
    assert_eq!(endpoint.events(), [EventType::Delivered]);
}
