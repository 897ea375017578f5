//! A worker: claims deliveries, hands each to the provider, and says how that ended.
//!
//! It can be killed at any point. What it has claimed is claimed by another worker as soon as the lease has expired.

use std::time::Duration;
use std::{io, process, thread};

use diesel::prelude::*;
use fake_provider::Random;
use mailglass::Delivery;
use mailglass::outbox::{self, Claim, ClaimOptions, PreviousAttempt, Retry, Sent, UnknownAttempts};
use serde_json::{Value, json};
use ureq::Agent;

use crate::Failure;
use crate::deliveries::ACME;
use crate::tally::Step;

/// A lease lasts longer than the sends of one claim: here 3 requests, each with a timeout of 0.3 s.
const CLAIMS: u32 = 3;
const TIMEOUT: Duration = Duration::from_millis(300);
const LEASE: Duration = Duration::from_secs(1);

/// In so many of 100 sends, the worker stalls after the provider's answer, as on a machine without memory. Its lease expires.
const STALLS: u64 = 2;

/// The pauses before a retry are seconds to hours. This demonstration has only seconds.
const HASTE: u32 = 60;
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

pub(crate) fn run(name: &str, database: &str, provider: &str) -> Result<(), Failure> {
    thread::spawn(exit_with_the_supervisor);
    let mut conn = PgConnection::establish(database)?;
    let mut provider = Provider::new(provider);
    let options = ClaimOptions {
        limit: CLAIMS,
        lease: LEASE,
        // Safe, because the provider honours idempotency keys.
        unknown_attempts: UnknownAttempts::Resend,
        ..ClaimOptions::all_tenants(name)
    };
    loop {
        let claims = outbox::claim(&mut conn, &options)?;
        if claims.is_empty() {
            outbox::wait(&mut conn, &options.tenants, Duration::from_secs(1))?;
        }
        for claim in claims {
            match send(&mut conn, &mut provider, &claim) {
                // The lease has expired: another worker has the delivery, or will have it.
                Err(error) if error.is_lease_lost() => Step::LeaseLost.print(),
                done => done?,
            }
        }
    }
}

fn send(conn: &mut PgConnection, provider: &mut Provider, claim: &Claim) -> mailglass::Result<()> {
    if claim.previous_attempt() == PreviousAttempt::Unknown {
        Step::Unknown(claim.delivery().id).print();
    }
    // From here on a crash leaves an attempt whose outcome is unknown.
    let attempt = claim.begin(conn)?;
    let answer = provider.send(attempt.delivery());
    if Random::of(attempt.number().into(), &attempt.delivery().recipient).percent(STALLS) {
        Step::Stalled.print();
        thread::sleep(LEASE * 5 / 4);
    }
    match answer {
        Answer::Accepted(message_id) => match attempt.sent(conn, "fake", message_id)? {
            Sent::Recorded(_) => {}
            // Another worker has sent it meanwhile, with the same key: it is one message.
            Sent::LeaseLost(_) => Step::LeaseLost.print(),
        },
        Answer::Refused(error) => {
            attempt.failed(conn, error)?;
        }
        // After a timeout the provider may have accepted the message. The next attempt has the same idempotency key.
        Answer::TryAgain(error) => match attempt.retry(conn, error, (attempt.backoff() / HASTE).min(LONGEST_PAUSE))? {
            Retry::Scheduled(_) => Step::Retry.print(),
            Retry::Failed(_) => {}
        },
    }
    Ok(())
}

/// The supervisor holds the other end of the pipe, and so the worker ends with it in any case.
fn exit_with_the_supervisor() {
    let _ = io::copy(&mut io::stdin(), &mut io::sink());
    process::exit(0);
}

/// A client of the provider's API.
struct Provider {
    agent: Agent,
    url: String,
}

enum Answer {
    /// The provider's id of the message.
    Accepted(String),
    /// It is of no use to try again.
    Refused(Value),
    TryAgain(Value),
}

impl Provider {
    fn new(url: &str) -> Self {
        let config = Agent::config_builder()
            .proxy(None)
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .build();
        Provider {
            agent: config.into(),
            url: format!("{url}/messages"),
        }
    }

    fn send(&mut self, delivery: &Delivery) -> Answer {
        let mut arguments = json!({ "tenant": delivery.tenant_id });
        // The webhooks repeat these arguments. With the delivery's id, an event finds its delivery even if we do not know the
        // provider's message id yet. The other tenant does without, to show what happens then.
        if delivery.tenant_id == ACME {
            arguments["delivery"] = json!(delivery.id);
        }
        let message = json!({
            "to": delivery.recipient,
            "subject": format!("Your {}", delivery.mailable),
            "text": "…",
            "arguments": arguments,
        });
        let answer = self
            .agent
            .post(&self.url)
            .header("Idempotency-Key", delivery.id.to_string())
            .header("Content-Type", "application/json")
            .header("Connection", "close")
            .send(message.to_string())
            .and_then(|mut answer| Ok((answer.status().as_u16(), answer.body_mut().read_to_string()?)));
        let (status, body) = match answer {
            Ok((status, body)) => (status, serde_json::from_str(&body).unwrap_or(Value::Null)),
            Err(error) => return Answer::TryAgain(json!({ "error": error.to_string() })),
        };
        match (status, body["id"].as_str()) {
            (200, Some(id)) => Answer::Accepted(id.to_owned()),
            (400..=499, _) if status != 429 => Answer::Refused(json!({ "status": status, "answer": body })),
            _ => Answer::TryAgain(json!({ "status": status, "answer": body })),
        }
    }
}
