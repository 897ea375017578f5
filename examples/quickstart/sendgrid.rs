//! SendGrid's event webhook: an array of events per request.

use chrono::DateTime;
use mailglass::{EventDetails, EventType, NewEvent, RejectReason};
use serde_json::Value;

use crate::Failure;

/// Maps one event of the array. A field that is missing or has the wrong type is an error that names it.
pub(crate) fn event(tenant: &str, event: &Value) -> Result<NewEvent, Failure> {
    let text = |key: &str| {
        event[key]
            .as_str()
            .ok_or_else(|| format!("SendGrid's event has no text `{key}`"))
    };
    let optional = |key: &str| event[key].as_str().map(str::to_owned);
    let timestamp = event["timestamp"]
        .as_i64()
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
        .ok_or("SendGrid's event has no valid `timestamp`")?;
    let (event_type, reason) = match text("event")? {
        "processed" => (EventType::Queued, None),
        "dropped" => (
            EventType::Rejected,
            Some(drop_reason(event["reason"].as_str().unwrap_or_default())),
        ),
        "deferred" => (EventType::Deferred, None),
        "delivered" => (EventType::Delivered, None),
        "bounce" => sendgrid_bounce(event["type"].as_str().unwrap_or_default()),
        "open" => (EventType::Opened, None),
        "click" => (EventType::Clicked, None),
        "spamreport" => (EventType::Complained, None),
        "unsubscribe" | "group_unsubscribe" => (EventType::Unsubscribed, None),
        "group_resubscribe" => (EventType::Subscribed, None),
        _ => (EventType::Unknown, None),
    };

    let mut new = NewEvent::new(tenant, event_type, timestamp)
        .tenant_idempotency_key(format!("sendgrid:{}", text("sg_event_id")?))
        // The part before the first dot is the X-Message-Id of the response to the application's request.
        .provider_message("sendgrid", text("sg_message_id")?.split('.').next().unwrap_or_default())
        .recipient(text("email")?)
        .details(EventDetails {
            enhanced_status: optional("status"),
            mta_response: optional("response"),
            description: optional("reason"),
            ip_address: event["ip"].as_str().and_then(|address| address.parse().ok()),
            user_agent: optional("useragent"),
            click_url: optional("url"),
            ..EventDetails::default()
        });
    if let Some(reason) = reason {
        new = new.reject_reason(reason);
    }
    Ok(new)
}

/// Maps the `type` of a `bounce` event that SendGrid reports. A message that SendGrid tries again is a `deferred` event.
fn sendgrid_bounce(bounce_type: &str) -> (EventType, Option<RejectReason>) {
    match bounce_type {
        // Hard: the address does not work. Suppress it.
        "bounce" => (EventType::Bounced, Some(RejectReason::Bounced)),
        // Soft: the receiving server refused this message, or SendGrid has tried for too long. The address is good.
        "blocked" => (EventType::Bounced, Some(RejectReason::Blocked)),
        "expired" => (EventType::Bounced, Some(RejectReason::TimedOut)),
        _ => (EventType::Bounced, Some(RejectReason::Other)),
    }
}

/// Maps the `reason` of a `dropped` event: SendGrid has not tried to deliver the message.
fn drop_reason(reason: &str) -> RejectReason {
    match reason {
        "Bounced Address" => RejectReason::Bounced,
        "Unsubscribed Address" => RejectReason::Unsubscribed,
        "Invalid" => RejectReason::Invalid,
        "Spam Reporting Address" | "Spam Content (if Spam Checker app enabled)" => RejectReason::Spam,
        _ => RejectReason::Other,
    }
}
