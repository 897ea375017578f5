//! Postmark. Each request has one event.
//!
//! Postmark signs nothing: use [`Credentials`](crate::Credentials), with basic authentication in the URL or a header that you
//! configure. `MessageID` is the one that the send API returns; each recipient has its own.

use mailglass::EventType::{
    Autoresponded, Bounced, Clicked, Complained, Deferred, Delivered, Failed, Opened, Rejected, Subscribed, Unknown,
    Unsubscribed,
};
use mailglass::RejectReason as Reason;

#[cfg(feature = "samples")]
use chrono::{DateTime, Utc};

use crate::draft::{Draft, Input, Read};
use crate::fields::Fields;
use crate::key::Key;
use crate::mapping::{self, Facts, Mapping};
#[cfg(feature = "samples")]
use crate::{KeyError, Sample, samples};
use crate::{Received, Result, smtp};

pub(crate) static FACTS: Facts = Facts {
    title: "Postmark",
    mappings: MAPPINGS,
    message_id: "`MessageID`, as in the answer of the send API",
    signature: "basic authentication or a header",
    documentation: "https://postmarkapp.com/developer/webhooks/webhooks-overview",
    read_on: "2026-11-27",
};

static MAPPINGS: &[Mapping] = &[
    Mapping::new("Delivery", Delivered),
    Mapping::new("Open", Opened),
    Mapping::new("Click", Clicked),
    Mapping::new("SpamComplaint", Complained).reason(Reason::Spam),
    Mapping::new("Bounce", Bounced),
    Mapping::new("Bounce", Bounced)
        .kind("HardBounce")
        .reason(Reason::Bounced)
        .hard(),
    Mapping::new("Bounce", Bounced)
        .kind("SoftBounce")
        .reason(Reason::Bounced)
        .soft(),
    // Postmark tries again.
    Mapping::new("Bounce", Deferred).kind("Transient").soft(),
    Mapping::new("Bounce", Deferred).kind("DnsError").soft(),
    Mapping::new("Bounce", Deferred).kind("OpenRelayTest").soft(),
    Mapping::new("Bounce", Rejected)
        .kind("BadEmailAddress")
        .reason(Reason::Invalid)
        .hard(),
    // The message or its sender is refused, not the address.
    Mapping::new("Bounce", Rejected).kind("Blocked").reason(Reason::Blocked),
    Mapping::new("Bounce", Rejected)
        .kind("DMARCPolicy")
        .reason(Reason::Blocked),
    Mapping::new("Bounce", Rejected)
        .kind("ManuallyDeactivated")
        .reason(Reason::Blocked),
    Mapping::new("Bounce", Rejected).kind("Unconfirmed"),
    Mapping::new("Bounce", Bounced)
        .kind("VirusNotification")
        .reason(Reason::Other),
    Mapping::new("Bounce", Complained)
        .kind("SpamNotification")
        .reason(Reason::Spam),
    Mapping::new("Bounce", Complained)
        .kind("SpamComplaint")
        .reason(Reason::Spam),
    Mapping::new("Bounce", Unsubscribed)
        .kind("Unsubscribe")
        .reason(Reason::Unsubscribed),
    Mapping::new("Bounce", Subscribed).kind("Subscribe"),
    Mapping::new("Bounce", Autoresponded).kind("AutoResponder"),
    Mapping::new("Bounce", Autoresponded).kind("AddressChange"),
    Mapping::new("Bounce", Autoresponded).kind("ChallengeVerification"),
    Mapping::new("Bounce", Failed).kind("SMTPApiError"),
    Mapping::new("Bounce", Failed).kind("TemplateRenderingFailed"),
    Mapping::new("Bounce", Unknown).kind("Unknown"),
    Mapping::new("SubscriptionChange", Unsubscribed),
    Mapping::new("SubscriptionChange", Subscribed).kind("Subscribe"),
    Mapping::new("SubscriptionChange", Unsubscribed)
        .kind("ManualSuppression")
        .reason(Reason::Unsubscribed),
    Mapping::new("SubscriptionChange", Bounced)
        .kind("HardBounce")
        .reason(Reason::Bounced)
        .hard(),
    Mapping::new("SubscriptionChange", Complained)
        .kind("SpamComplaint")
        .reason(Reason::Spam),
];

pub(crate) fn normalize(input: &Input<'_>) -> Result<Vec<Received>> {
    let text = input.text();
    // Inbound mail has no record type, but a sender.
    let kind: Kind = serde_json::from_str(&text).unwrap_or_default();
    if kind.record_type.as_deref() == Some("Inbound") || (kind.record_type.is_none() && kind.from_full.is_some()) {
        return Err(input.inbound("Inbound"));
    }
    if kind.record_type.as_deref() == Some("Bounce") && kind.bounce_type.as_deref() == Some(INBOUND_ERROR) {
        return Err(input.inbound(INBOUND_ERROR));
    }
    input.one(&text, read)
}

#[derive(Default, serde::Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Kind {
    record_type: Option<String>,
    #[serde(rename = "Type")]
    bounce_type: Option<String>,
    from_full: Option<serde::de::IgnoredAny>,
}

/// The type of a bounce that is not one of a sent message: Postmark could not hand inbound mail to the application.
const INBOUND_ERROR: &str = "InboundError";

fn read(event: &Fields<'_>) -> Read {
    let record_type = event.require_text("RecordType")?;
    let kind = match record_type.as_ref() {
        "Bounce" | "SpamComplaint" => event.text("Type"),
        "SubscriptionChange" if event.boolean("SuppressSending") == Some(false) => Some("Subscribe".into()),
        "SubscriptionChange" => event.text("SuppressionReason"),
        _ => None,
    };
    let kind = kind.unwrap_or_default();
    // Each record type has its own name for the time.
    let names = ["DeliveredAt", "BouncedAt", "ReceivedAt", "ChangedAt"];
    let name = names
        .into_iter()
        .find(|name| event.value(name).is_some())
        .unwrap_or("ReceivedAt");
    let occurred_at = event.require_time(name)?;
    let message_id = event.owned("MessageID");
    let recipient = event.first(&["Recipient", "Email"]);
    let key = match event.text("ID") {
        Some(id) => Key::Id(format!("{record_type}:{id}")),
        None => Key::parts([
            record_type.to_string(),
            kind.to_string(),
            message_id.clone().unwrap_or_default(),
            recipient.clone().unwrap_or_default(),
            event.owned(name).unwrap_or_default(),
            event.owned("OriginalLink").unwrap_or_default(),
        ]),
    };

    let mut draft = Draft::new(
        mapping::find(MAPPINGS, &record_type, &kind),
        record_type,
        occurred_at,
        key,
    );
    draft.message_id = message_id;
    draft.recipient = recipient;
    draft.details.description = event.owned("Description");
    draft.details.user_agent = event.owned("UserAgent");
    draft.details.click_url = event.owned("OriginalLink");
    draft.details.ip_address = event.object("Geo").and_then(|geo| geo.text("IP")?.parse().ok());
    if let Some(reply) = event.owned("Details") {
        smtp::reply(&mut draft.details, reply);
    }
    draft.tags.extend(event.owned("Tag"));
    if let Some(metadata) = event.object("Metadata") {
        draft.metadata = metadata.members().clone();
    }
    Ok(vec![draft])
}

#[cfg(feature = "samples")]
pub(crate) static SAMPLE: &str = r#"{
  "RecordType": "Delivery",
  "ServerID": 23,
  "MessageStream": "outbound",
  "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
  "Recipient": "john@example.com",
  "Tag": "welcome-email",
  "DeliveredAt": "2026-11-05T16:33:54.9070259Z",
  "Details": "Test delivery webhook details",
  "Metadata": {"example": "value"}
}"#;

#[cfg(feature = "samples")]
pub(crate) fn sign(secret: &str, _: &str, body: &[u8], _: DateTime<Utc>) -> std::result::Result<Sample, KeyError> {
    samples::basic(secret, body)
}
