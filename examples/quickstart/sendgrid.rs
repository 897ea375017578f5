//! SendGrid's event webhook: an array of events in one request.

use chrono::DateTime;
use mailglass::{EventType, NewEvent, RejectReason};
use serde_json::{Value, json};

use crate::Failure;

/// One event of the array; a field that is missing or has another type is an error that names it.
pub(crate) fn event(tenant: &str, raw: &Value) -> Result<NewEvent, Failure> {
    let text = |key: &str| {
        raw[key]
            .as_str()
            .ok_or_else(|| format!("SendGrid's event has no {key}"))
    };
    let timestamp = raw["timestamp"]
        .as_i64()
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    let (event_type, reason) = normalize(text("event")?, raw);

    let mut event = NewEvent::new(
        tenant,
        event_type,
        timestamp.ok_or("SendGrid's event has no timestamp")?,
    )
    .idempotency_key(format!("sendgrid:{}", text("sg_event_id")?))
    // What sending returned as X-Message-Id is the part before the first dot.
    .provider_message("sendgrid", text("sg_message_id")?.split('.').next().unwrap_or_default())
    .recipient(text("email")?)
    .normalized_payload(json!({
        "mta_response": raw["response"],
        "description": raw["reason"],
        "user_agent": raw["useragent"],
        "click_url": raw["url"],
    }));
    if let Some(reason) = reason {
        event = event.reject_reason(reason);
    }
    Ok(event)
}

/// Anymail's taxonomy.
fn normalize(event: &str, raw: &Value) -> (EventType, Option<RejectReason>) {
    match event {
        "processed" => (EventType::Queued, None),
        "deferred" => (EventType::Deferred, None),
        "delivered" => (EventType::Delivered, None),
        "open" => (EventType::Opened, None),
        "click" => (EventType::Clicked, None),
        "spamreport" => (EventType::Complained, None),
        "unsubscribe" | "group_unsubscribe" => (EventType::Unsubscribed, None),
        "group_resubscribe" => (EventType::Subscribed, None),
        "bounce" => match raw["type"].as_str() {
            Some("blocked") => (EventType::Bounced, Some(RejectReason::Blocked)),
            Some("expired") => (EventType::Bounced, Some(RejectReason::TimedOut)),
            _ => (EventType::Bounced, Some(RejectReason::Bounced)),
        },
        "dropped" => match raw["reason"].as_str() {
            Some("Bounced Address") => (EventType::Rejected, Some(RejectReason::Bounced)),
            Some("Unsubscribed Address") => (EventType::Rejected, Some(RejectReason::Unsubscribed)),
            Some("Invalid") => (EventType::Rejected, Some(RejectReason::Invalid)),
            Some("Spam Reporting Address" | "Spam Content (if Spam Checker app enabled)") => {
                (EventType::Rejected, Some(RejectReason::Spam))
            }
            _ => (EventType::Rejected, Some(RejectReason::Other)),
        },
        _ => (EventType::Unknown, None),
    }
}
