//! Postmark's webhooks: one object per request. `RecordType` tells what it is.

use chrono::DateTime;
use mailglass::{EventDetails, EventType, NewEvent, RejectReason};
use serde_json::Value;

use crate::Failure;

/// Maps a request to an event. A field that is missing or has the wrong type is an error that names it.
pub(crate) fn event(tenant: &str, request: &Value) -> Result<NewEvent, Failure> {
    let text = |key: &str| {
        request[key]
            .as_str()
            .ok_or_else(|| format!("Postmark's request has no text `{key}`"))
    };
    let optional = |key: &str| request[key].as_str().map(str::to_owned);
    let record_type = text("RecordType")?;
    let (event_type, reason) = match record_type {
        "Delivery" => (EventType::Delivered, None),
        "Bounce" => postmark_bounce(text("Type")?),
        "Open" => (EventType::Opened, None),
        "Click" => (EventType::Clicked, None),
        "SpamComplaint" => (EventType::Complained, None),
        "SubscriptionChange" if request["SuppressSending"] == true => (EventType::Unsubscribed, None),
        "SubscriptionChange" => (EventType::Subscribed, None),
        _ => (EventType::Unknown, None),
    };
    // Each record type has its own names for the time and the recipient.
    let (time, recipient) = match record_type {
        "Delivery" => (text("DeliveredAt")?, text("Recipient")?),
        "Bounce" | "SpamComplaint" => (text("BouncedAt")?, text("Email")?),
        "SubscriptionChange" => (text("ChangedAt")?, text("Recipient")?),
        _ => (text("ReceivedAt")?, text("Recipient")?),
    };
    let message_id = text("MessageID")?;

    let mut event = NewEvent::new(tenant, event_type, DateTime::parse_from_rfc3339(time)?.to_utc())
        // Most of Postmark's records have no id, so the key consists of what identifies them. Each recipient has a message id.
        .tenant_idempotency_key(format!("postmark:{record_type}:{message_id}:{time}"))
        .provider_message("postmark", message_id)
        .recipient(recipient)
        .details(EventDetails {
            mta_response: optional("Details"),
            description: optional("Description"),
            ip_address: request["Geo"]["IP"].as_str().and_then(|address| address.parse().ok()),
            user_agent: optional("UserAgent"),
            click_url: optional("OriginalLink"),
            ..EventDetails::default()
        });
    if let Some(reason) = reason {
        event = event.reject_reason(reason);
    }
    Ok(event)
}

/// Maps the `Type` of a bounce that Postmark reports.
fn postmark_bounce(bounce_type: &str) -> (EventType, Option<RejectReason>) {
    match bounce_type {
        // Hard: the address does not work. Suppress it.
        "HardBounce" => (EventType::Bounced, Some(RejectReason::Bounced)),
        "BadEmailAddress" => (EventType::Rejected, Some(RejectReason::Invalid)),
        // Soft, and Postmark tries again.
        "Transient" | "DnsError" => (EventType::Deferred, None),
        // Soft, and Postmark has given up on this message. The address is good: do not suppress it.
        "SoftBounce" => (EventType::Bounced, Some(RejectReason::TimedOut)),
        // The message or its sender is refused, not the address.
        "Blocked" | "DMARCPolicy" => (EventType::Rejected, Some(RejectReason::Blocked)),
        "SpamNotification" => (EventType::Complained, None),
        "Unsubscribe" => (EventType::Unsubscribed, None),
        "AutoResponder" | "ChallengeVerification" => (EventType::Autoresponded, None),
        // Anything else leaves the status as it is.
        _ => (EventType::Unknown, None),
    }
}
