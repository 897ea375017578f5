//! Resend. Each request has one event.
//!
//! Resend sends its webhooks through Svix: see [`SigningSecrets`]. The idempotency key is the header `svix-id`, which stays the
//! same if a request is repeated; give all headers to [`Request`]. Without it, as for a stored body, the key is made from the
//! event, so store the header as well if a body may be read twice.
//!
//! Resend does not say to which of several recipients an event belongs. The recipient is given if the message has one `to`.
//! `data.email_id` is the `id` that the send API returns, one for all recipients. Tags have a name and a value: they are the
//! metadata.

use std::fmt;
use std::time::Duration;

use data_encoding::BASE64;
use mailglass::EventType::{Bounced, Clicked, Complained, Deferred, Delivered, Failed, Opened, Queued, Rejected, Sent};
use mailglass::RejectReason as Reason;
use ring::hmac;
use serde_json::Value;

#[cfg(feature = "samples")]
use chrono::{DateTime, Utc};

#[cfg(feature = "samples")]
use crate::Sample;
use crate::draft::{Draft, Input, Read};
use crate::fields::Fields;
use crate::key::Key;
use crate::mapping::{self, Facts, Mapping};
use crate::verifier::{self, Clock, Verifier, any, sealed};
use crate::{KeyError, Provider, Received, Request, Result, VerificationError, smtp, time};

pub(crate) static FACTS: Facts = Facts {
    title: "Resend",
    mappings: MAPPINGS,
    message_id: "`data.email_id`, as `id` in the answer of the send API",
    signature: "HMAC-SHA256 of the id, the time and the body (Svix)",
    documentation: "https://resend.com/docs/webhooks/event-types",
    read_on: "2026-11-27",
};

static MAPPINGS: &[Mapping] = &[
    Mapping::new("email.scheduled", Queued),
    Mapping::new("email.sent", Sent),
    Mapping::new("email.delivered", Delivered),
    Mapping::new("email.delivery_delayed", Deferred).soft(),
    Mapping::new("email.complained", Complained),
    Mapping::new("email.bounced", Bounced).reason(Reason::Other),
    Mapping::new("email.bounced", Bounced)
        .kind("Permanent")
        .reason(Reason::Bounced)
        .hard(),
    Mapping::new("email.bounced", Bounced)
        .kind("Transient")
        .reason(Reason::Bounced)
        .soft(),
    Mapping::new("email.bounced", Bounced)
        .kind("Temporary")
        .reason(Reason::Bounced)
        .soft(),
    Mapping::new("email.bounced", Bounced)
        .kind("Undetermined")
        .reason(Reason::Bounced),
    // The address has often bounced as invalid, for any sender.
    Mapping::new("email.bounced", Bounced)
        .kind("Suppressed")
        .reason(Reason::Blocked)
        .hard(),
    // The address has bounced or complained before.
    Mapping::new("email.bounced", Bounced)
        .kind("OnAccountSuppressionList")
        .reason(Reason::Blocked),
    Mapping::new("email.opened", Opened),
    Mapping::new("email.clicked", Clicked),
    Mapping::new("email.failed", Failed),
    Mapping::new("email.suppressed", Rejected).reason(Reason::Blocked),
];

pub(crate) fn normalize(input: &Input<'_>) -> Result<Vec<Received>> {
    let text = input.text();
    let kind: Kind = serde_json::from_str(&text).unwrap_or_default();
    if kind.event.as_deref() == Some("email.received") {
        return Err(input.inbound("email.received"));
    }
    input.one(&text, |event| read(event, input.request.text("svix-id")))
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Kind {
    #[serde(rename = "type")]
    event: Option<String>,
}

fn read(event: &Fields<'_>, id: Option<&str>) -> Read {
    let name = event.require_text("type")?;
    let occurred_at = event.require_time("created_at")?;
    let data = event.require_object("data")?;
    let bounce = data.object("bounce");
    let kind = bounce.as_ref().map(kind_of).unwrap_or_default();
    let message_id = data.owned("email_id");
    let click = data.object("click");
    let click_url = click.as_ref().and_then(|click| click.owned("link"));
    let key = match id.filter(|id| !id.is_empty()) {
        Some(id) => Key::Id(id.to_owned()),
        None => Key::parts([
            name.to_string(),
            message_id.clone().or_else(|| data.owned("id")).unwrap_or_default(),
            event.owned("created_at").unwrap_or_default(),
            click_url.clone().unwrap_or_default(),
        ]),
    };

    let mut draft = Draft::new(mapping::find(MAPPINGS, &name, kind), name, occurred_at, key);
    draft.message_id = message_id;
    draft.recipient = match data.list("to") {
        [] => data.owned("to"),
        [only] => only.as_str().map(str::to_owned),
        _ => None,
    };
    draft.details.click_url = click_url;
    if let Some(device) = click.or_else(|| data.object("open")) {
        draft.details.user_agent = device.owned("userAgent");
        draft.details.ip_address = device.text("ipAddress").and_then(|ip| ip.parse().ok());
    }
    if let Some(bounce) = &bounce {
        draft.details.description = bounce.owned("message");
        let codes = bounce.list("diagnosticCode").iter().find_map(Value::as_str);
        if let Some(reply) = codes.map(str::to_owned).or_else(|| bounce.owned("diagnosticCode")) {
            smtp::reply(&mut draft.details, reply);
        }
    } else {
        let reasons = ["failed", "suppressed"].into_iter();
        let reason = reasons.filter_map(|name| data.object(name)).next();
        draft.details.description = reason.and_then(|reason| reason.first(&["reason", "message"]));
    }
    // The tags of Resend: a list of pairs, or an object.
    if let Some(tags) = data.object("tags") {
        draft.metadata = tags.members().clone();
    }
    for tag in data.list("tags").iter().filter_map(Value::as_object) {
        if let (Some(Value::String(name)), Some(value)) = (tag.get("name"), tag.get("value")) {
            draft.metadata.insert(name.clone(), value.clone());
        }
    }
    Ok(vec![draft])
}

/// The kind of a bounce: its subtype if that is mapped, else its type. Older events have only a message.
fn kind_of(bounce: &Fields<'_>) -> &'static str {
    let kinds = ["subType", "type"].into_iter();
    let documented = kinds.filter_map(|name| bounce.text(name)).find_map(|kind| {
        let mut mappings = MAPPINGS.iter().map(|mapping| mapping.kind);
        mappings.find(|mapped| !mapped.is_empty() && *mapped == kind)
    });
    let message = bounce.text("message").unwrap_or_default();
    documented.unwrap_or(if message.contains("suppressed sending") {
        "OnAccountSuppressionList"
    } else if message.contains("hard bounce message") {
        "Permanent"
    } else if message.contains("bounce message") {
        "Undetermined"
    } else {
        ""
    })
}

/// The signing secrets of webhooks, which begin with `whsec_`. Each of them suffices.
///
/// The default tolerance is five minutes, as in the libraries of Svix. Each repetition is signed anew.
///
/// ```
/// use mailglass_webhooks::{Webhook, resend};
///
/// let secrets = resend::SigningSecrets::new(["whsec_bWFpbGdsYXNzLXdlYmhvb2tzLXRlc3Q="])?;
/// let webhook = Webhook::new("acme", secrets);
/// # Ok::<(), mailglass_webhooks::KeyError>(())
/// ```
#[derive(Clone)]
pub struct SigningSecrets(Vec<hmac::Key>);

const DEFAULT_TOLERANCE: Duration = Duration::from_secs(5 * 60);

impl SigningSecrets {
    /// Verifies by these secrets.
    ///
    /// # Errors
    /// There is no secret, or one is empty or not Base64 behind `whsec_`.
    pub fn new(secrets: impl IntoIterator<Item = impl AsRef<str>>) -> std::result::Result<Self, KeyError> {
        verifier::keys(secrets, "signing secret", hmac_key).map(SigningSecrets)
    }
}

fn hmac_key(secret: &str) -> std::result::Result<hmac::Key, KeyError> {
    let secret = secret.trim();
    let secret = secret.strip_prefix("whsec_").unwrap_or(secret);
    let malformed = |_| KeyError::Malformed {
        what: "the signing secret",
        message: "must be Base64 behind `whsec_`",
    };
    let key = BASE64.decode(secret.as_bytes()).map_err(malformed)?;
    if key.is_empty() {
        return Err(KeyError::Empty("the signing secret"));
    }
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &key))
}

impl fmt::Debug for SigningSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningSecrets({} secrets)", self.0.len())
    }
}

fn signed_text(id: &str, timestamp: &str, body: &[u8]) -> Vec<u8> {
    [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat()
}

impl sealed::Verify for SigningSecrets {
    fn verify(&self, request: &Request<'_>, clock: &Clock) -> std::result::Result<(), VerificationError> {
        let header = |name: &'static str| request.text(name).ok_or(VerificationError::Missing(name));
        let id = header("svix-id")?;
        let timestamp = header("svix-timestamp")?;
        let signatures: Vec<_> = header("svix-signature")?
            .split_whitespace()
            .filter_map(|signature| signature.strip_prefix("v1,"))
            .filter_map(|signature| BASE64.decode(signature.as_bytes()).ok())
            .collect();
        if signatures.is_empty() {
            return Err(VerificationError::Malformed("svix-signature"));
        }
        let message = signed_text(id, timestamp, request.body());
        any(&self.0, "svix-signature", |key| {
            let fitting = signatures
                .iter()
                .filter(|signature| hmac::verify(key, &message, signature).is_ok());
            fitting.count() > 0
        })?;
        let signed_at = time::unix(timestamp).ok_or(VerificationError::Malformed("svix-timestamp"))?;
        clock.check(signed_at, DEFAULT_TOLERANCE)
    }
}

impl Verifier for SigningSecrets {
    fn provider(&self) -> Provider {
        Provider::Resend
    }
}

#[cfg(feature = "samples")]
pub(crate) static SAMPLE: &str = r#"{
  "type": "email.delivered",
  "created_at": "2026-11-05T16:33:54.907Z",
  "data": {
    "created_at": "2026-11-05T16:33:51.120Z",
    "email_id": "7d3b1c52-0a4e-4f68-9c27-5e81d0f6a3b9",
    "from": "Shop <shop@example.com>",
    "to": ["ann@example.com"],
    "subject": "Welcome",
    "tags": {"order": "1043"}
  }
}"#;

/// Signs now. The id depends on the body only, so that a repetition has the same.
#[cfg(feature = "samples")]
pub(crate) fn sign(secret: &str, _: &str, body: &[u8], now: DateTime<Utc>) -> std::result::Result<Sample, KeyError> {
    use data_encoding::HEXLOWER;
    use ring::digest;

    let key = hmac_key(secret)?;
    let digest = digest::digest(&digest::SHA256, body);
    let id = format!("msg_{}", &HEXLOWER.encode(digest.as_ref())[..27]);
    let timestamp = now.timestamp().to_string();
    let signature = hmac::sign(&key, &signed_text(&id, &timestamp, body));
    Ok(Sample::json(body)
        .header("svix-id", id)
        .header("svix-timestamp", timestamp)
        .header("svix-signature", format!("v1,{}", BASE64.encode(signature.as_ref()))))
}
