//! What the provider reports.

use chrono::DateTime;
use diesel::prelude::*;
use mailglass::ledger::{self, Outcome, RecordOptions};
use mailglass::suppressions::SuppressionRules;
use mailglass::{EventDetails, EventType, NewEvent, RejectReason};
use serde_json::Value;

use crate::{TENANT, provider};

/// Why a webhook was not recorded.
#[derive(Debug)]
pub enum Rejection {
    /// It does not come from the provider.
    WrongSecret,
    /// It is not what the provider documents. Repeating it is of no use.
    Malformed(String),
    /// The database failed. The provider repeats the webhook later.
    NotRecorded(mailglass::Error),
}

/// Records the events of a webhook, after checking that it knows the shared secret.
///
/// # Errors
/// Nothing is recorded.
pub fn receive(
    conn: &mut PgConnection,
    secret: &str,
    given: Option<&str>,
    body: &[u8],
) -> Result<Vec<Outcome>, Rejection> {
    if !given.is_some_and(|given| is_same(given.as_bytes(), secret.as_bytes())) {
        return Err(Rejection::WrongSecret);
    }
    let reports: Vec<Value> = serde_json::from_slice(body).map_err(|error| Rejection::Malformed(error.to_string()))?;
    let events: Result<Vec<NewEvent>, String> = reports.iter().map(normalize).collect();
    let events = events.map_err(Rejection::Malformed)?;
    // A hard bounce or a complaint suppresses the address, in the transaction that records it.
    let options = RecordOptions {
        suppress: Some(SuppressionRules::default()),
    };
    // Each event has its own outcome, so one that conflicts does not hold up the others.
    ledger::record_each_with(conn, events, &options).map_err(|error| match error {
        mailglass::Error::Invalid(invalid) => Rejection::Malformed(invalid.to_string()),
        error => Rejection::NotRecorded(error),
    })
}

/// Compares in a time that does not depend on where the two differ.
fn is_same(given: &[u8], secret: &[u8]) -> bool {
    let differences = given.iter().zip(secret).fold(0, |all, (a, b)| all | (a ^ b));
    std::hint::black_box(differences) == 0 && given.len() == secret.len()
}

/// Maps an event of the provider to one of the ledger. The error says what is missing.
fn normalize(report: &Value) -> Result<NewEvent, String> {
    let text = |key: &str| {
        report[key]
            .as_str()
            .ok_or_else(|| format!("the event has no text `{key}`"))
    };
    let time = DateTime::parse_from_rfc3339(text("time")?).map_err(|error| format!("`time`: {error}"))?;
    let permanent = report["permanent"].as_bool();
    let (event_type, reason) = match text("event")? {
        "accepted" => (EventType::Queued, None),
        "delivered" => (EventType::Delivered, None),
        // Hard: the address does not work.
        "bounced" if permanent == Some(true) => (EventType::Bounced, Some(RejectReason::Bounced)),
        // Soft: the provider has given up on this mail, but the address is good.
        "bounced" => (EventType::Bounced, Some(RejectReason::TimedOut)),
        "complained" => (EventType::Complained, None),
        _ => (EventType::Unknown, None),
    };
    let mut event = NewEvent::new(TENANT, event_type, time.to_utc())
        // The provider repeats webhooks. The key makes the second one a replay.
        .tenant_idempotency_key(format!("{}:{}", provider::NAME, text("id")?))
        .provider_message(provider::NAME, text("message_id")?)
        .recipient(text("recipient")?)
        .details(EventDetails {
            permanent,
            smtp_code: report["smtp_code"].as_u64().and_then(|code| code.try_into().ok()),
            enhanced_status: report["enhanced_status"].as_str().map(str::to_owned),
            mta_response: report["response"].as_str().map(str::to_owned),
            ..EventDetails::default()
        });
    if let Some(reason) = reason {
        event = event.reject_reason(reason);
    }
    if let Some(id) = report["arguments"]["delivery"].as_str() {
        event = event.delivery(id.parse().map_err(|_| "`arguments.delivery` is no UUID".to_owned())?);
    }
    Ok(event)
}
