//! Mailtrap. A request has up to 500 events, either as a JSON object with a list, or as JSON Lines.
//!
//! Mailtrap signs the body: use [`SigningSecrets`]. `message_id` is one of the `message_ids` that the send API returns; each
//! recipient has its own. Custom variables are the metadata, and the category is a tag.

use std::fmt;

use mailglass::EventType::{Bounced, Clicked, Complained, Deferred, Delivered, Opened, Rejected, Unsubscribed};
use mailglass::RejectReason as Reason;
use serde_json::value::RawValue;

#[cfg(feature = "samples")]
use chrono::{DateTime, Utc};

#[cfg(feature = "samples")]
use crate::Sample;
use crate::body_mac::{self, Keys};
use crate::draft::{Draft, Input, Read};
use crate::fields::Fields;
use crate::key::Key;
use crate::mapping::{self, Facts, Mapping};
use crate::verifier::{Clock, Verifier, sealed};
use crate::{KeyError, Provider, Received, Request, Result, VerificationError, smtp};

pub(crate) static FACTS: Facts = Facts {
    title: "Mailtrap",
    mappings: MAPPINGS,
    message_id: "`message_id`, as one of the `message_ids` in the answer of the send API",
    signature: "HMAC-SHA256 of the body",
    documentation: "https://docs.mailtrap.io/email-api-smtp/advanced/webhooks",
    read_on: "2026-11-27",
};

static MAPPINGS: &[Mapping] = &[
    Mapping::new("delivery", Delivered),
    Mapping::new("open", Opened),
    Mapping::new("click", Clicked),
    Mapping::new("unsubscribe", Unsubscribed).reason(Reason::Unsubscribed),
    Mapping::new("spam", Complained).reason(Reason::Spam),
    // Mailtrap tries again.
    Mapping::new("soft bounce", Deferred).reason(Reason::Other).soft(),
    // The sender's domain is not verified, or a limit of the account is reached.
    Mapping::new("suspension", Deferred).reason(Reason::Other),
    Mapping::new("reject", Rejected).reason(Reason::Blocked),
    Mapping::new("bounce", Bounced).reason(Reason::Bounced).hard(),
    // The categories after which Mailtrap does not suppress the address: the message, its sender or the server is at fault.
    Mapping::new("bounce", Bounced)
        .kind("transientfail")
        .reason(Reason::Bounced),
    Mapping::new("bounce", Bounced)
        .kind("greylisting")
        .reason(Reason::Bounced),
    Mapping::new("bounce", Bounced)
        .kind("badsender")
        .reason(Reason::Bounced),
    Mapping::new("bounce", Bounced).kind("block").reason(Reason::Bounced),
    Mapping::new("bounce", Bounced).kind("content").reason(Reason::Bounced),
    Mapping::new("bounce", Bounced).kind("dnsFail").reason(Reason::Bounced),
    Mapping::new("bounce", Bounced)
        .kind("generalfail")
        .reason(Reason::Bounced),
    Mapping::new("bounce", Bounced).kind("other").reason(Reason::Bounced),
    Mapping::new("bounce", Bounced)
        .kind("relayfail")
        .reason(Reason::Bounced),
    Mapping::new("bounce", Bounced)
        .kind("serverfail")
        .reason(Reason::Bounced),
    Mapping::new("bounce", Bounced).kind("spam").reason(Reason::Bounced),
    Mapping::new("bounce", Bounced)
        .kind("verifyfail")
        .reason(Reason::Bounced),
    Mapping::new("bounce", Bounced)
        .kind("serverpolicy")
        .reason(Reason::Bounced),
    Mapping::new("bounce", Bounced)
        .kind("spam_gmail")
        .reason(Reason::Bounced),
];

pub(crate) fn normalize(input: &Input<'_>) -> Result<Vec<Received>> {
    let text = input.text();
    match serde_json::from_str::<Batch<'_>>(&text) {
        Ok(Batch { events: Some(events) }) => input.each(events.get(), read),
        Ok(Batch { events: None }) => input.one(&text, read),
        Err(_) if is_json_lines(&text) => input.lines(&text, read),
        Err(error) => Err(input.not_json(&error)),
    }
}

/// JSON Lines with one line look like a batch without events.
#[derive(serde::Deserialize)]
struct Batch<'a> {
    #[serde(borrow)]
    events: Option<&'a RawValue>,
}

/// Whether any line is an object. Another one may be broken.
fn is_json_lines(text: &str) -> bool {
    let is_object = |line: &&str| line.trim_start().starts_with('{');
    let mut objects = text.lines().filter(is_object);
    objects.any(|line| serde_json::from_str::<&RawValue>(line).is_ok())
}

fn read(event: &Fields<'_>) -> Read {
    let name = event.require_text("event")?;
    if name.starts_with("inbound") {
        return Err(event.wrong(&name, "is about inbound mail, which mailglass does not record"));
    }
    let occurred_at = event.require_unix_time("timestamp")?;
    let message_id = event.owned("message_id");
    let recipient = event.owned("email");
    let key = match event.text("event_id") {
        Some(id) => Key::Id(id.into_owned()),
        None => Key::parts([
            name.to_string(),
            message_id.clone().unwrap_or_default(),
            recipient.clone().unwrap_or_default(),
            event.owned("timestamp").unwrap_or_default(),
            event.owned("url").unwrap_or_default(),
        ]),
    };
    let kind = event.text("bounce_category").unwrap_or_default();

    let mut draft = Draft::new(mapping::find(MAPPINGS, &name, &kind), name, occurred_at, key);
    draft.message_id = message_id;
    draft.recipient = recipient;
    draft.details.smtp_code = event.text("response_code").and_then(|code| smtp::code(&code));
    if let Some(response) = event.owned("response") {
        let (code, status) = smtp::codes(reply(&response));
        draft.details.smtp_code = draft.details.smtp_code.or(code);
        draft.details.enhanced_status = status;
        draft.details.mta_response = Some(response);
    }
    draft.details.description = event.owned("reason");
    draft.details.ip_address = event.text("ip").and_then(|ip| ip.parse().ok());
    draft.details.user_agent = event.owned("user_agent");
    draft.details.click_url = event.owned("url");
    draft.tags.extend(event.owned("category"));
    if let Some(variables) = event.object("custom_variables") {
        draft.metadata = variables.members().clone();
    }
    Ok(vec![draft])
}

/// The server's reply in `bounced (550 5.1.1 no such user)`.
fn reply(response: &str) -> &str {
    let prefixes = ["bounced (", "soft bounce ("];
    let reply = prefixes.iter().find_map(|prefix| response.strip_prefix(prefix));
    reply.unwrap_or(response)
}

/// Verifies requests by the signing secrets of the webhooks. Each webhook has one of its own.
///
/// The signed body has no time of the request, so there is no window against replays. A replay is harmless: its events have
/// the same idempotency keys.
///
/// ```
/// use mailglass_webhooks::{Received, Request, Webhook, mailtrap};
///
/// let secrets = mailtrap::SigningSecrets::new(["8d9a3c0e7f5b2d4a6c1e9f8b3a7d5c2e"])?;
/// let webhook = Webhook::new("acme", secrets);
///
/// let body = br#"{"events":[{"event":"delivery","timestamp":1793896434,"message_id":"1df37d17-0286-4d8b-8edf-bc4ec5be86e6","email":"ann@example.com","event_id":"bede7236-2284-43d6-a953-1fdcafd0fdbc"}]}"#;
/// let request = Request::new(body)
///     .header("Mailtrap-Signature", "971c402a856f599ba0da5b92aeacbd37c2da134165684e1e9bc1e8167958bf40");
/// let received = webhook.receive(&request)?;
/// assert!(matches!(&received[..], [Received::Report(report)] if report.reported == "delivery"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SigningSecrets(Keys);

impl SigningSecrets {
    /// Verifies by these secrets. Each of them suffices, so that a new one can be added before the old one is reset.
    ///
    /// # Errors
    /// [`KeyError::None`] without a secret, and [`KeyError::Empty`].
    pub fn new(secrets: impl IntoIterator<Item = impl AsRef<str>>) -> std::result::Result<Self, KeyError> {
        Keys::new(secrets).map(SigningSecrets)
    }
}

impl fmt::Debug for SigningSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningSecrets").finish_non_exhaustive()
    }
}

impl sealed::Verify for SigningSecrets {
    fn verify(&self, request: &Request<'_>, _: &Clock) -> std::result::Result<(), VerificationError> {
        self.0.verify(request, HEADER)
    }
}

impl Verifier for SigningSecrets {
    fn provider(&self) -> Provider {
        Provider::Mailtrap
    }
}

const HEADER: &str = "Mailtrap-Signature";

#[cfg(feature = "samples")]
pub(crate) static SAMPLE: &str = r#"{
  "events": [
    {
      "event": "delivery",
      "timestamp": 1793896434,
      "sending_stream": "transactional",
      "sending_domain_name": "example.com",
      "category": "welcome-email",
      "custom_variables": {"example": "value"},
      "message_id": "1df37d17-0286-4d8b-8edf-bc4ec5be86e6",
      "email": "john@example.com",
      "event_id": "bede7236-2284-43d6-a953-1fdcafd0fdbc"
    }
  ]
}"#;

#[cfg(feature = "samples")]
pub(crate) fn sign(secret: &str, _: &str, body: &[u8], _: DateTime<Utc>) -> std::result::Result<Sample, KeyError> {
    Ok(Sample::json(body).header(HEADER, body_mac::sign(secret, body)?))
}
