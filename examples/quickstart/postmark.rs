//! Postmark's webhooks: one object a request, told apart by its `RecordType`.

use chrono::DateTime;
use mailglass::{EventType, NewEvent, RejectReason};
use serde_json::{Value, json};

use crate::Failure;

/// The event in a request; a field that is missing or has another type is an error that names it.
pub(crate) fn event(tenant: &str, raw: &Value) -> Result<NewEvent, Failure> {
    let text = |key: &str| {
        raw[key]
            .as_str()
            .ok_or_else(|| format!("Postmark's webhook has no {key}"))
    };
    let record_type = text("RecordType")?;
    let (event_type, reason) = normalize(record_type, raw);
    // Each record type has its own name for the time and for the recipient.
    let (time, recipient) = match record_type {
        "Delivery" => (text("DeliveredAt")?, text("Recipient")?),
        "Bounce" | "SpamComplaint" => (text("BouncedAt")?, text("Email")?),
        "SubscriptionChange" => (text("ChangedAt")?, text("Recipient")?),
        _ => (text("ReceivedAt")?, text("Recipient")?),
    };
    let message_id = text("MessageID")?;

    let mut event = NewEvent::new(tenant, event_type, DateTime::parse_from_rfc3339(time)?.to_utc())
        // Postmark gives most of its records no id of their own.
        .idempotency_key(format!("postmark:{record_type}:{message_id}:{recipient}:{time}"))
        .provider_message("postmark", message_id)
        .recipient(recipient)
        .normalized_payload(json!({
            "mta_response": raw["Details"],
            "description": raw["Description"],
            "user_agent": raw["UserAgent"],
            "click_url": raw["OriginalLink"],
        }));
    if let Some(reason) = reason {
        event = event.reject_reason(reason);
    }
    Ok(event)
}

/// Anymail's taxonomy.
fn normalize(record_type: &str, raw: &Value) -> (EventType, Option<RejectReason>) {
    match record_type {
        "Delivery" => (EventType::Delivered, None),
        "Open" => (EventType::Opened, None),
        "Click" => (EventType::Clicked, None),
        "SpamComplaint" => (EventType::Complained, Some(RejectReason::Spam)),
        "SubscriptionChange" if raw["SuppressSending"] == true => (EventType::Unsubscribed, None),
        "SubscriptionChange" => (EventType::Subscribed, None),
        "Bounce" => match raw["Type"].as_str() {
            Some("Transient") => (EventType::Deferred, None),
            Some("AutoResponder") => (EventType::Autoresponded, None),
            Some("BadEmailAddress") => (EventType::Rejected, Some(RejectReason::Invalid)),
            Some("Blocked") => (EventType::Rejected, Some(RejectReason::Blocked)),
            Some("SpamNotification") => (EventType::Complained, Some(RejectReason::Spam)),
            Some("HardBounce" | "SoftBounce") => (EventType::Bounced, Some(RejectReason::Bounced)),
            _ => (EventType::Bounced, Some(RejectReason::Other)),
        },
        _ => (EventType::Unknown, None),
    }
}
