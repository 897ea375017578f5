//! Mailgun. Each request has one event.
//!
//! Mailgun signs a time and a random token, but not the event: whoever reads one request can forge others until the time is
//! outside the tolerance. Use HTTPS, and see [`SigningKeys`].
//!
//! The send API returns the `Message-ID` with its angle brackets, and webhooks have it without. It is given with them:
//! `<20261121093000.1.ABC@example.com>`.
//!
//! Legacy webhooks, which are form-encoded, and the posts of inbound routes are refused by name. Mailgun repeats a request after
//! every status but 200 and 406: answer with 406 to what it should not repeat.

use std::fmt;
use std::time::Duration;

use data_encoding::HEXLOWER_PERMISSIVE;
use mailglass::EventType::{Bounced, Clicked, Complained, Deferred, Delivered, Opened, Queued, Rejected, Unsubscribed};
use mailglass::RejectReason as Reason;
use ring::hmac;

#[cfg(feature = "samples")]
use chrono::{DateTime, Utc};

use crate::draft::{Draft, Input, Read};
use crate::fields::Fields;
use crate::key::Key;
use crate::mapping::{self, Facts, Mapping};
use crate::verifier::{self, Clock, Verifier, any, sealed};
use crate::{KeyError, Provider, Received, Request, Result, VerificationError, smtp, time};
#[cfg(feature = "samples")]
use crate::{Sample, samples};

pub(crate) static FACTS: Facts = Facts {
    title: "Mailgun",
    mappings: MAPPINGS,
    message_id: "`message.headers.message-id` in angle brackets, as `id` in the answer of the send API",
    signature: "HMAC-SHA256 of a time and a token, in the body",
    documentation: "https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-payloads",
    read_on: "2026-11-27",
};

static MAPPINGS: &[Mapping] = &[
    Mapping::new("accepted", Queued),
    Mapping::new("rejected", Rejected).reason(Reason::Other),
    Mapping::new("delivered", Delivered),
    Mapping::new("failed", Bounced).reason(Reason::Other),
    // The severity is about the message. The address is at fault only if the reason says so.
    Mapping::new("failed", Bounced).kind("permanent").reason(Reason::Other),
    Mapping::new("failed", Bounced)
        .kind("permanent bounce")
        .reason(Reason::Bounced)
        .hard(),
    Mapping::new("failed", Bounced)
        .kind("permanent suppress-bounce")
        .reason(Reason::Bounced)
        .hard(),
    Mapping::new("failed", Bounced)
        .kind("permanent suppress-complaint")
        .reason(Reason::Spam),
    Mapping::new("failed", Bounced)
        .kind("permanent suppress-unsubscribe")
        .reason(Reason::Unsubscribed),
    // Mailgun tries again.
    Mapping::new("failed", Deferred)
        .kind("temporary")
        .reason(Reason::Other)
        .soft(),
    Mapping::new("failed", Deferred)
        .kind("temporary bounce")
        .reason(Reason::Bounced)
        .soft(),
    Mapping::new("opened", Opened),
    Mapping::new("clicked", Clicked),
    Mapping::new("unsubscribed", Unsubscribed),
    Mapping::new("complained", Complained),
];

pub(crate) fn normalize(input: &Input<'_>) -> Result<Vec<Received>> {
    let text = input.text();
    if !text.trim_start().starts_with(['{', '[']) {
        return Err(not_json(input, &text));
    }
    let kind: Kind = serde_json::from_str(&text).unwrap_or_default();
    // A message that a route has stored.
    if kind
        .event_data
        .is_some_and(|data| data.event.as_deref() == Some("stored"))
    {
        return Err(input.inbound("stored"));
    }
    input.one(&text, read)
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Kind {
    #[serde(rename = "event-data")]
    event_data: Option<EventData>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct EventData {
    event: Option<String>,
}

fn not_json(input: &Input<'_>, text: &str) -> crate::Error {
    let has = |name: &str| form_value(text, name).is_some() || text.contains(&format!("name=\"{name}\""));
    if has("event") {
        input.malformed("is form-encoded, as of a legacy webhook: create the webhook anew, so that Mailgun sends JSON")
    } else if has("body-plain") || has("message-url") || has("recipient") {
        input.inbound("route")
    } else {
        input.malformed("is not JSON")
    }
}

/// The last value of a field of a form, as Mailgun puts the values of the sender before its own. It is not decoded.
fn form_value<'a>(form: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = form.trim().split('&').filter_map(|field| field.split_once('='));
    fields.rfind(|(field, _)| *field == name).map(|(_, value)| value)
}

fn read(request: &Fields<'_>) -> Read {
    let event = request.require_object("event-data")?;
    let name = event.require_text("event")?;
    let occurred_at = event.require_unix_time("timestamp")?;
    let reason = event.text("reason").unwrap_or_default();
    let severity = event.text("severity").unwrap_or_default();
    let exact = format!("{severity} {reason}");
    let kind = match name.as_ref() {
        "failed" if MAPPINGS.iter().any(|mapping| mapping.kind == exact) => &exact,
        "failed" => severity.as_ref(),
        _ => "",
    };
    let headers = event.object("message").and_then(|message| message.object("headers"));
    let message_id = headers
        .as_ref()
        .and_then(|headers| headers.text("message-id"))
        .map(|id| format!("<{}>", id.trim().trim_start_matches('<').trim_end_matches('>')));
    // A rejected message has no recipient of its own.
    let only_one = |to: &String| !to.contains(',');
    let recipient = event
        .owned("recipient")
        .or_else(|| headers.as_ref()?.owned("to").filter(only_one));
    let url = event.owned("url");
    let key = match event.text("id") {
        // It is unique within a day.
        Some(id) => Key::Id(format!("{}:{id}", occurred_at.format("%Y%m%d"))),
        None => Key::parts([
            name.to_string(),
            message_id.clone().unwrap_or_default(),
            recipient.clone().unwrap_or_default(),
            event.owned("timestamp").unwrap_or_default(),
            url.clone().unwrap_or_default(),
        ]),
    };

    let mut draft = Draft::new(mapping::find(MAPPINGS, &name, kind), name, occurred_at, key);
    draft.message_id = message_id;
    draft.recipient = recipient;
    draft.details.click_url = url;
    draft.details.ip_address = event.text("ip").and_then(|ip| ip.parse().ok());
    draft.details.user_agent = event
        .object("client-info")
        .and_then(|client| client.owned("user-agent"));
    if let Some(status) = event.object("delivery-status") {
        draft.details.description = status.owned("description");
        draft.details.remote_mta = status.owned("mx-host");
        // Codes of 600 and above are Mailgun's own.
        draft.details.smtp_code = status.text("code").and_then(|code| smtp::code(&code));
        draft.details.enhanced_status = status.text("enhanced-code").and_then(|code| smtp::status(&code));
        if let Some(message) = status.owned("message") {
            smtp::reply(&mut draft.details, message);
        }
    }
    if let Some(reject) = event.object("reject") {
        let description = draft.details.description.take();
        draft.details.description = description.or_else(|| reject.first(&["reason", "description"]));
    }
    let tags = event.list("tags").iter().filter_map(|tag| tag.as_str());
    draft.tags.extend(tags.map(str::to_owned));
    if let Some(variables) = event.object("user-variables") {
        draft.metadata = variables.members().clone();
    }
    Ok(vec![draft])
}

/// The webhook signing keys of an account: "HTTP webhook signing key" in the settings. Each of them suffices. The key of the
/// primary account verifies the events of its subaccounts as well.
///
/// The default tolerance is nine hours: Mailgun repeats a request for eight hours, and does not document that it signs
/// each anew. Set a shorter [tolerance](crate::Webhook::tolerance) if a lost repetition is less harmful than a forgery.
///
/// ```
/// use mailglass_webhooks::{Webhook, mailgun};
///
/// let keys = mailgun::SigningKeys::new(["4e1f0a7b2d9c48e3a6f5b1c0d7e8f9a2"])?;
/// let webhook = Webhook::new("acme", keys);
/// # Ok::<(), mailglass_webhooks::KeyError>(())
/// ```
#[derive(Clone)]
pub struct SigningKeys(Vec<hmac::Key>);

const DEFAULT_TOLERANCE: Duration = Duration::from_secs(9 * 60 * 60);

impl SigningKeys {
    /// Verifies by these keys.
    ///
    /// # Errors
    /// There is no key, or one is empty.
    pub fn new(keys: impl IntoIterator<Item = impl AsRef<str>>) -> std::result::Result<Self, KeyError> {
        verifier::keys(keys, "signing key", hmac_key).map(SigningKeys)
    }
}

fn hmac_key(key: &str) -> std::result::Result<hmac::Key, KeyError> {
    let key = key.trim();
    if key.is_empty() {
        return Err(KeyError::Empty("the signing key"));
    }
    Ok(hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()))
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKeys({} keys)", self.0.len())
    }
}

/// What is signed, and the signatures.
struct Signed {
    timestamp: String,
    token: String,
    signature: String,
    /// By the key of the primary account, if the event is of a subaccount.
    parent_signature: Option<String>,
}

fn signed(body: &str) -> std::result::Result<Signed, VerificationError> {
    const SIGNATURE: &str = "signature, timestamp or token in its body";
    let read = |field: &dyn Fn(&str) -> Option<String>| {
        Some(Signed {
            timestamp: field("timestamp")?,
            token: field("token")?,
            signature: field("signature")?,
            parent_signature: field("parent-signature"),
        })
    };
    if !body.trim_start().starts_with('{') {
        // It is verified, so that it is refused by name and not as a forgery.
        let field = |name: &str| form_value(body, name).map(str::to_owned);
        return read(&field).ok_or(VerificationError::Missing(SIGNATURE));
    }
    let body: serde_json::Value = serde_json::from_str(body).map_err(|_| VerificationError::Malformed("the body"))?;
    let missing = || VerificationError::Missing(SIGNATURE);
    let request = Fields::new(&body).map_err(|_| missing())?;
    let block = request.object("signature").ok_or_else(missing)?;
    read(&|name: &str| block.owned(name)).ok_or_else(missing)
}

impl sealed::Verify for SigningKeys {
    fn verify(&self, request: &Request<'_>, clock: &Clock) -> std::result::Result<(), VerificationError> {
        let signed = signed(&String::from_utf8_lossy(request.body()))?;
        let signatures = [Some(&signed.signature), signed.parent_signature.as_ref()].into_iter();
        let signatures: Vec<_> = signatures
            .flatten()
            .map(|signature| HEXLOWER_PERMISSIVE.decode(signature.as_bytes()))
            .collect::<std::result::Result<_, _>>()
            .map_err(|_| VerificationError::Malformed("the signature"))?;
        let message = format!("{}{}", signed.timestamp, signed.token);
        any(&self.0, "the signature", |key| {
            let fitting = signatures
                .iter()
                .filter(|signature| hmac::verify(key, message.as_bytes(), signature).is_ok());
            fitting.count() > 0
        })?;
        let signed_at = time::unix(&signed.timestamp).ok_or(VerificationError::Malformed("the timestamp"))?;
        clock.check(signed_at, DEFAULT_TOLERANCE)
    }
}

impl Verifier for SigningKeys {
    fn provider(&self) -> Provider {
        Provider::Mailgun
    }
}

#[cfg(feature = "samples")]
pub(crate) static SAMPLE: &str = r#"{
  "signature": {
    "timestamp": "1793896434",
    "token": "5c1d8e0f7a2b4c6d9e3f1a0b8c7d6e5f4a3b2c1d0e9f8a7b6c",
    "signature": ""
  },
  "event-data": {
    "id": "hK7mQ2xVTfiWc9sLr0dYzA",
    "event": "delivered",
    "timestamp": 1793896434.218457,
    "log-level": "info",
    "recipient": "ann@example.com",
    "recipient-domain": "example.com",
    "tags": ["welcome"],
    "user-variables": {"order": "1043"},
    "message": {
      "headers": {
        "from": "shop@example.com",
        "to": "ann@example.com",
        "subject": "Welcome",
        "message-id": "20261105163353.1.7C2E9A41B0D35F68@example.com"
      },
      "attachments": [],
      "size": 1204
    },
    "delivery-status": {
      "code": 250,
      "message": "OK",
      "description": "",
      "mx-host": "mx.example.com",
      "attempt-no": 1,
      "tls": true
    }
  }
}"#;

/// Signs now, with the token of the body, or else one of the time.
#[cfg(feature = "samples")]
pub(crate) fn sign(secret: &str, _: &str, body: &[u8], now: DateTime<Utc>) -> std::result::Result<Sample, KeyError> {
    use serde_json::{Value, json};

    let key = hmac_key(secret)?;
    let mut request: Value = samples::parse(body)?;
    let timestamp = now.timestamp().to_string();
    let token = match request.pointer("/signature/token").and_then(Value::as_str) {
        Some(token) => token.to_owned(),
        None => format!("{:050x}", now.timestamp_micros()),
    };
    let signature = hmac::sign(&key, format!("{timestamp}{token}").as_bytes());
    let signature = HEXLOWER_PERMISSIVE.encode(signature.as_ref());
    if let Some(request) = request.as_object_mut() {
        let block = json!({ "timestamp": timestamp, "token": token, "signature": signature });
        request.insert("signature".to_owned(), block);
    }
    Ok(Sample::json(request.to_string().as_bytes()))
}
