//! Postal. Each request has one event.
//!
//! Postal signs a request's body, but no time: see [`PublicKeys`]. A request that is sent again has the same `uuid`, which is
//! the idempotency key, so a replay records nothing.
//!
//! The message is `message.id`, a number that is unique within a mail server of Postal. It is the `id` of the recipient in
//! `messages` of the send API's answer, not its `message_id`. A message has one tag at most: it may be
//! `mailglass_delivery_id:` and the delivery's id.
//!
//! Postal reports also that it could not forward a received message, and that can't be switched off for one URL. There is
//! nothing to record: it is [`Received::Ping`]. The posts of an HTTP endpoint, which have the received message itself, are
//! refused.

use std::fmt;

use data_encoding::BASE64;
use mailglass::EventType::{Bounced, Clicked, Deferred, Delivered, Failed, Opened, Queued};
use mailglass::RejectReason as Reason;
use ring::signature::{
    RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RsaParameters,
    UnparsedPublicKey,
};
use spki::der::Decode as _;
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};

#[cfg(feature = "samples")]
use chrono::{DateTime, Utc};

use crate::draft::{Draft, Input, Read};
use crate::fields::Fields;
use crate::key::Key;
use crate::mapping::{self, Facts, Mapping};
use crate::verifier::{self, Clock, Verifier, any, sealed};
use crate::{KeyError, Provider, Received, Request, Result, VerificationError, smtp};
#[cfg(feature = "samples")]
use crate::{Sample, samples};

pub(crate) static FACTS: Facts = Facts {
    title: "Postal",
    mappings: MAPPINGS,
    message_id: "`message.id`, as `messages.<recipient>.id` in the answer of the send API",
    signature: "RSA (PKCS#1 v1.5) of the body with SHA-256 or, of older versions, SHA-1",
    documentation: "https://docs.postalserver.io/developer/webhooks",
    read_on: "2026-11-27",
};

static MAPPINGS: &[Mapping] = &[
    Mapping::new("MessageSent", Delivered),
    Mapping::new("MessageDelayed", Deferred).soft(),
    // Postal calls it a hard failure.
    Mapping::new("MessageDeliveryFailed", Failed).hard(),
    Mapping::new("MessageHeld", Queued),
    // A message has come back. Postal does not tell why.
    Mapping::new("MessageBounced", Bounced).reason(Reason::Bounced),
    Mapping::new("MessageLinkClicked", Clicked),
    Mapping::new("MessageLoaded", Opened),
];

pub(crate) fn normalize(input: &Input<'_>) -> Result<Vec<Received>> {
    let text = input.text();
    let kind: Kind = serde_json::from_str(&text).unwrap_or_default();
    if kind.event.is_none() && kind.rcpt_to.is_some() {
        return Err(input.inbound("HTTP endpoint"));
    }
    input.one(&text, read)
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Kind {
    event: Option<serde::de::IgnoredAny>,
    rcpt_to: Option<serde::de::IgnoredAny>,
}

fn read(event: &Fields<'_>) -> Read {
    let name = event.require_text("event")?;
    let occurred_at = event.require_unix_time("timestamp")?;
    let payload = event.require_object("payload")?;
    let message = payload.object("message").or_else(|| payload.object("original_message"));
    let of_message = |field: &str| message.as_ref().and_then(|message| message.owned(field));
    if of_message("direction").as_deref() == Some("incoming") {
        return Ok(Vec::new());
    }
    let message_id = of_message("id");
    let recipient = of_message("to");
    let key = match event.owned("uuid") {
        Some(uuid) => Key::Id(uuid),
        None => Key::parts([
            name.to_string(),
            message_id.clone().unwrap_or_default(),
            recipient.clone().unwrap_or_default(),
            event.owned("timestamp").unwrap_or_default(),
            payload.owned("url").unwrap_or_default(),
        ]),
    };

    let mut draft = Draft::new(mapping::find(MAPPINGS, &name, ""), name, occurred_at, key);
    draft.message_id = message_id;
    draft.recipient = recipient;
    draft.details.description = payload.owned("details");
    if let Some(output) = payload.owned("output") {
        smtp::reply(&mut draft.details, output);
    }
    draft.details.click_url = payload.owned("url");
    draft.details.user_agent = payload.owned("user_agent");
    draft.details.ip_address = payload.text("ip_address").and_then(|ip| ip.parse().ok());
    draft.tags.extend(of_message("tag"));
    Ok(vec![draft])
}

/// The public keys of Postal installations. Each of them suffices.
///
/// A key is what `postal default-dkim-record` prints behind `p=`, or the whole record, or the key as PEM. Postal signs with its
/// installation's key, so every server on it can sign a request to your URL: use one that is hard to guess as well.
///
/// If the request has `X-Postal-Signature-256`, only that is verified. Older versions send only `X-Postal-Signature`, with
/// SHA-1. Old keys have 1024 bits; they are accepted. There is no tolerance, because no time is signed.
///
/// ```no_run
/// use mailglass_webhooks::{Webhook, postal};
///
/// let keys = postal::PublicKeys::new([std::env::var("POSTAL_PUBLIC_KEY")?])?;
/// let webhook = Webhook::new("acme", keys);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct PublicKeys(Vec<Vec<u8>>);

impl PublicKeys {
    /// Verifies by these keys.
    ///
    /// # Errors
    /// There is no key, or one is empty or not an RSA key.
    pub fn new(keys: impl IntoIterator<Item = impl AsRef<str>>) -> std::result::Result<Self, KeyError> {
        verifier::keys(keys, "public key", public_key).map(PublicKeys)
    }
}

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// The key in the form that `ring` takes (PKCS#1).
fn public_key(key: &str) -> std::result::Result<Vec<u8>, KeyError> {
    let what = "the public key";
    let message = "must be an RSA key: the `p=` of the DKIM record, or PEM";
    let malformed = || KeyError::Malformed { what, message };
    let record = key.split(';').find_map(|part| part.trim().strip_prefix("p="));
    let lines = record.unwrap_or(key).lines();
    let text: String = lines
        .filter(|line| !line.trim_start().starts_with("-----"))
        .flat_map(|line| line.split([' ', '\t', '"']))
        .collect();
    if text.is_empty() {
        return Err(KeyError::Empty(what));
    }
    let der = BASE64.decode(text.as_bytes()).map_err(|_| malformed())?;
    let info = SubjectPublicKeyInfoRef::from_der(&der).map_err(|_| malformed())?;
    let bits = info.subject_public_key.as_bytes();
    match bits {
        Some(bits) if info.algorithm.oid == RSA => Ok(bits.to_vec()),
        _ => Err(malformed()),
    }
}

impl fmt::Debug for PublicKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKeys({} keys)", self.0.len())
    }
}

impl sealed::Verify for PublicKeys {
    fn verify(&self, request: &Request<'_>, _: &Clock) -> std::result::Result<(), VerificationError> {
        let sha256: (&'static str, &RsaParameters) = (
            "X-Postal-Signature-256",
            &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        );
        let sha1: (&'static str, &RsaParameters) =
            ("X-Postal-Signature", &RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY);
        let (name, algorithm) = if request.has(sha256.0) { sha256 } else { sha1 };
        let signature = request.text(name).ok_or(VerificationError::Missing(name))?;
        let signature = BASE64
            .decode(signature.as_bytes())
            .map_err(|_| VerificationError::Malformed(name))?;
        any(&self.0, name, |key| {
            let key = UnparsedPublicKey::new(algorithm, key);
            key.verify(request.body(), &signature).is_ok()
        })
    }
}

impl Verifier for PublicKeys {
    fn provider(&self) -> Provider {
        Provider::Postal
    }
}

#[cfg(feature = "samples")]
pub(crate) static SAMPLE: &str = r#"{
  "event": "MessageSent",
  "timestamp": 1793896434.218457,
  "payload": {
    "message": {
      "id": 1563,
      "token": "k3Vw9sQpZr7x",
      "direction": "outgoing",
      "message_id": "0f6d1c2e-7b3a-4d58-9e41-c2a5b7d80f13@rp.postal.example.com",
      "to": "ann@example.com",
      "from": "shop@example.com",
      "subject": "Welcome",
      "timestamp": 1793896431.120004,
      "spam_status": "NotChecked",
      "tag": "welcome"
    },
    "status": "Sent",
    "details": "Message for ann@example.com accepted by mx.example.com",
    "output": "250 2.0.0 OK\n",
    "sent_with_ssl": true,
    "timestamp": 1793896434.211003,
    "time": 0.89
  },
  "uuid": "2b7c5f0e-91d4-4a36-8c1f-6e0d3b9a7f52"
}"#;

/// Signs with SHA-256.
#[cfg(feature = "samples")]
pub(crate) fn sign(secret: &str, _: &str, body: &[u8], _: DateTime<Utc>) -> std::result::Result<Sample, KeyError> {
    let signature = samples::rsa_sha256(&samples::rsa_key(secret)?, body)?;
    Ok(Sample::json(body).header("X-Postal-Signature-256", signature))
}
