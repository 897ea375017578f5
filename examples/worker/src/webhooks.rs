//! The webhook endpoint: maps the provider's events, and records them.

use std::io::{self, Read as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use chrono::DateTime;
use diesel::prelude::*;
use mailglass::ledger::{self, Outcome};
use mailglass::{EventDetails, EventType, NewEvent, RejectReason};
use serde_json::Value;
use tiny_http::{Request, Response, Server};

use crate::Failure;

const THREADS: usize = 2;
const MAX_BODY: u64 = 1 << 20;

/// The provider and we know it. A real provider may sign its webhooks instead.
pub(crate) const SECRET: &str = "shared secret of the example";

/// What the endpoint has received.
#[derive(Clone, Copy, Default)]
pub(crate) struct Received {
    pub(crate) events: usize,
    /// Events that were recorded before: nothing was written.
    pub(crate) replays: usize,
    /// Events that arrived before their delivery had a message id.
    pub(crate) early: usize,
}

/// A running endpoint. Dropping it stops it.
pub(crate) struct Endpoint {
    server: Arc<Server>,
    received: Arc<Mutex<Received>>,
    threads: Vec<JoinHandle<()>>,
}

impl Endpoint {
    pub(crate) fn start(database: &str) -> Result<Endpoint, Failure> {
        let mut endpoint = Endpoint {
            server: Arc::new(Server::http("127.0.0.1:0")?),
            received: Arc::default(),
            threads: Vec::new(),
        };
        for _ in 0..THREADS {
            let mut conn = PgConnection::establish(database)?;
            let (server, received) = (Arc::clone(&endpoint.server), Arc::clone(&endpoint.received));
            endpoint.threads.push(thread::spawn(move || {
                while let Ok(request) = server.recv() {
                    answer(&mut conn, request, &received);
                }
            }));
        }
        Ok(endpoint)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/webhooks", self.server.server_addr())
    }

    pub(crate) fn received(&self) -> Received {
        *lock(&self.received)
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        for _ in 0..THREADS {
            self.server.unblock();
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn lock(received: &Mutex<Received>) -> MutexGuard<'_, Received> {
    received.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answer(conn: &mut PgConnection, mut request: Request, received: &Mutex<Received>) {
    let secret = request
        .headers()
        .iter()
        .find(|header| header.field.equiv("Webhook-Secret"));
    // The shop's example compares in constant time.
    let status = if secret.is_none_or(|header| header.value.as_str() != SECRET) {
        401
    } else {
        match read(&mut request).map(|body| record(conn, &body)) {
            Ok(Ok(outcomes)) => {
                count(&outcomes, &mut lock(received));
                200
            }
            // The provider repeats whatever is not answered with 200, and the events have idempotency keys.
            Ok(Err(error)) => {
                eprintln!("a webhook could not be recorded: {error}");
                500
            }
            Err(error) => {
                eprintln!("a webhook could not be read: {error}");
                400
            }
        }
    };
    let _ = request.respond(Response::empty(status));
}

fn read(request: &mut Request) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    request.as_reader().take(MAX_BODY).read_to_end(&mut body)?;
    Ok(body)
}

fn record(conn: &mut PgConnection, body: &[u8]) -> Result<Vec<Outcome>, Failure> {
    let events: Vec<Value> = serde_json::from_slice(body)?;
    let events: Vec<NewEvent> = events.iter().map(event).collect::<Result<_, _>>()?;
    Ok(ledger::record_each(conn, events)?)
}

/// Maps an event of the provider. A field that is missing is an error that names it.
fn event(event: &Value) -> Result<NewEvent, Failure> {
    let text = |key: &str| {
        event[key]
            .as_str()
            .ok_or_else(|| format!("the event has no text `{key}`"))
    };
    let arguments = &event["arguments"];
    let tenant = arguments["tenant"].as_str().ok_or("the event has no tenant")?;
    let permanent = event["permanent"].as_bool();
    let (event_type, reason) = match text("event")? {
        "accepted" => (EventType::Queued, None),
        "delivered" => (EventType::Delivered, None),
        "bounced" if permanent == Some(true) => (EventType::Bounced, Some(RejectReason::Bounced)),
        "bounced" => (EventType::Bounced, Some(RejectReason::TimedOut)),
        "complained" => (EventType::Complained, None),
        _ => (EventType::Unknown, None),
    };
    let mut new = NewEvent::new(
        tenant,
        event_type,
        DateTime::parse_from_rfc3339(text("time")?)?.to_utc(),
    )
    .tenant_idempotency_key(format!("fake:{}", text("id")?))
    .provider_message("fake", text("message_id")?)
    .recipient(text("recipient")?)
    .details(EventDetails {
        permanent,
        smtp_code: event["smtp_code"].as_u64().and_then(|code| code.try_into().ok()),
        enhanced_status: event["enhanced_status"].as_str().map(str::to_owned),
        mta_response: event["response"].as_str().map(str::to_owned),
        ..EventDetails::default()
    });
    if let Some(delivery) = arguments["delivery"].as_str() {
        new = new.delivery(delivery.parse()?);
    }
    Ok(match reason {
        Some(reason) => new.reject_reason(reason),
        None => new,
    })
}

fn count(outcomes: &[Outcome], received: &mut Received) {
    received.events += outcomes.len();
    for outcome in outcomes {
        match outcome {
            Outcome::Recorded(event) if event.needs_reconciliation => received.early += 1,
            Outcome::Recorded(_) => {}
            Outcome::Replayed(_) => received.replays += 1,
            // Two events with the same id differ: the provider has a bug.
            Outcome::Conflicting { fields, .. } => eprintln!("a repeated event differs in {}", fields.join(", ")),
        }
    }
}
