//! SendGrid. Each request has a list of events.
//!
//! Verify them with [`PublicKeys`]. SendGrid's other methods are OAuth 2.0 and basic authentication in the URL: for these, use
//! [`Credentials`](crate::Credentials).
//!
//! Custom arguments are members of the event, beside SendGrid's own: every member whose name is not one of SendGrid's counts as
//! metadata. `sg_message_id` begins with the `X-Message-Id` of the send API's answer, and the name of a server ends it (`.filter…`,
//! `.recvd…`). An asynchronous bounce has no `sg_message_id`, and one that begins with the server has no id; the same id is then read from `smtp-id`, if SendGrid has generated that.

use std::fmt;
use std::time::Duration;

use data_encoding::BASE64;
use mailglass::EventType::{
    Bounced, Clicked, Complained, Deferred, Delivered, Opened, Queued, Rejected, Subscribed, Unknown, Unsubscribed,
};
use mailglass::RejectReason as Reason;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};

#[cfg(feature = "samples")]
use chrono::{DateTime, Utc};
#[cfg(feature = "samples")]
use ring::rand::SystemRandom;
#[cfg(feature = "samples")]
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};

#[cfg(feature = "samples")]
use crate::Sample;
use crate::draft::{Draft, Input, Read};
use crate::fields::Fields;
use crate::key::Key;
use crate::mapping::{self, Facts, Mapping};
use crate::verifier::{self, Clock, Verifier, any, sealed};
use crate::{KeyError, Provider, Received, Request, Result, VerificationError, smtp, time};

pub(crate) static FACTS: Facts = Facts {
    title: "SendGrid",
    mappings: MAPPINGS,
    message_id: "`sg_message_id` up to the name of a server (`.filter…`, `.recvd…`) or the first dot, the header `X-Message-Id` of the send API's answer",
    signature: "ECDSA P-256 over the time and the body",
    documentation: "https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event",
    read_on: "2026-11-27",
};

static MAPPINGS: &[Mapping] = &[
    Mapping::new("processed", Queued),
    Mapping::new("deferred", Deferred).soft(),
    Mapping::new("delivered", Delivered),
    Mapping::new("bounce", Bounced),
    Mapping::new("bounce", Bounced)
        .kind("bounce")
        .reason(Reason::Bounced)
        .hard(),
    // The receiving server refused the message for now, or SendGrid has tried for too long.
    Mapping::new("bounce", Bounced)
        .kind("blocked")
        .reason(Reason::Blocked)
        .soft(),
    Mapping::new("bounce", Bounced)
        .kind("expired")
        .reason(Reason::TimedOut)
        .soft(),
    Mapping::new("dropped", Rejected).reason(Reason::Other),
    Mapping::new("dropped", Rejected)
        .kind("Bounced Address")
        .reason(Reason::Bounced)
        .hard(),
    Mapping::new("dropped", Rejected)
        .kind("Invalid")
        .reason(Reason::Invalid)
        .hard(),
    Mapping::new("dropped", Rejected)
        .kind("Unsubscribed Address")
        .reason(Reason::Unsubscribed),
    Mapping::new("dropped", Rejected)
        .kind("Spam Reporting Address")
        .reason(Reason::Spam),
    Mapping::new("dropped", Rejected)
        .kind("Spam Content")
        .reason(Reason::Spam),
    Mapping::new("dropped", Rejected)
        .kind("Invalid SMTPAPI header")
        .reason(Reason::Other),
    Mapping::new("dropped", Rejected)
        .kind("Recipient List over Package Quota")
        .reason(Reason::Other),
    Mapping::new("dropped", Rejected)
        .kind("bounce")
        .reason(Reason::Bounced)
        .hard(),
    Mapping::new("dropped", Rejected)
        .kind("blocked")
        .reason(Reason::Blocked),
    Mapping::new("dropped", Rejected)
        .kind("expired")
        .reason(Reason::TimedOut),
    Mapping::new("open", Opened),
    Mapping::new("click", Clicked),
    Mapping::new("spamreport", Complained),
    Mapping::new("unsubscribe", Unsubscribed),
    Mapping::new("group_unsubscribe", Unsubscribed),
    Mapping::new("group_resubscribe", Subscribed),
    // About the account, not a message.
    Mapping::new("account_status_change", Unknown),
];

/// The members of SendGrid itself, in the order of their names. Any other is a custom argument.
const OWN: &[&str] = &[
    "asm_group_id",
    "attempt",
    "bounce_classification",
    "category",
    "cert_err",
    "email",
    "event",
    "ip",
    "marketing_campaign_id",
    "marketing_campaign_name",
    "marketing_campaign_split_id",
    "marketing_campaign_version",
    "newsletter",
    "nlvx_campaign_id",
    "nlvx_campaign_split_id",
    "nlvx_user_id",
    "pool",
    "post_type",
    "reason",
    "response",
    "send_at",
    "sg_content_type",
    "sg_event_id",
    "sg_machine_open",
    "sg_message_id",
    "sg_template_id",
    "sg_template_name",
    "sg_user_id",
    "singlesend_id",
    "singlesend_name",
    "smtp-id",
    "status",
    "timestamp",
    "tls",
    "type",
    "url",
    "url_offset",
    "useragent",
];

pub(crate) fn normalize(input: &Input<'_>) -> Result<Vec<Received>> {
    let text = input.text();
    // The inbound parse webhook sends a form.
    if text.starts_with("--") && text.contains("form-data; name=\"envelope\"") {
        return Err(input.inbound("Inbound Parse"));
    }
    input.each(&text, read)
}

fn read(event: &Fields<'_>) -> Read {
    let name = event.require_text("event")?;
    let occurred_at = event.require_unix_time("timestamp")?;
    let message_id = message_id(event);
    let recipient = event.owned("email");
    let key = match event.owned("sg_event_id") {
        Some(id) => Key::Id(id),
        None => Key::parts([
            name.to_string(),
            event
                .owned("sg_message_id")
                .or_else(|| event.owned("smtp-id"))
                .unwrap_or_default(),
            recipient.clone().unwrap_or_default(),
            event.owned("timestamp").unwrap_or_default(),
            event.owned("attempt").unwrap_or_default(),
            event.owned("url").unwrap_or_default(),
        ]),
    };

    let mut draft = Draft::new(
        mapping::find(MAPPINGS, &name, kind(event, &name)),
        name.as_ref(),
        occurred_at,
        key,
    );
    draft.message_id = message_id;
    draft.recipient = recipient;
    let details = &mut draft.details;
    match name.as_ref() {
        // SendGrid's own reason: it has not tried to deliver the message.
        "dropped" => details.description = event.owned("reason"),
        "bounce" => {
            details.description = event.owned("bounce_classification");
            if let Some(reply) = event.first(&["reason", "response"]) {
                smtp::reply(details, reply);
            }
        }
        _ => {
            if let Some(reply) = event.first(&["response", "reason"]) {
                smtp::reply(details, reply);
            }
        }
    }
    if let Some(status) = event.text("status").and_then(|status| smtp::status(&status)) {
        details.enhanced_status = Some(status);
    }
    details.user_agent = event.owned("useragent");
    details.click_url = event.owned("url");
    // The `ip` of an attempt to deliver is SendGrid's.
    if !matches!(
        name.as_ref(),
        "processed" | "deferred" | "delivered" | "bounce" | "dropped"
    ) {
        details.ip_address = event.text("ip").and_then(|ip| ip.parse().ok());
    }
    // One category comes as the sender gave it: a text or a list.
    let categories = event.list("category").iter().filter_map(|tag| tag.as_str());
    draft.tags.extend(categories.map(str::to_owned));
    draft.tags.extend(event.owned("category"));
    let custom = event
        .members()
        .iter()
        .filter(|(name, _)| OWN.binary_search(&name.as_str()).is_err());
    draft.metadata = custom.map(|(name, value)| (name.clone(), value.clone())).collect();
    Ok(vec![draft])
}

/// The type of a bounce, or the reason of a drop. The case of a reason and a remark in parentheses behind it do not matter.
fn kind(event: &Fields<'_>, name: &str) -> &'static str {
    let fields: &[&str] = match name {
        "bounce" => &["type"],
        "dropped" => &["reason", "type"],
        _ => &[],
    };
    let kinds = || {
        MAPPINGS
            .iter()
            .filter(|mapping| mapping.event == name)
            .map(|mapping| mapping.kind)
    };
    let given = fields.iter().filter_map(|field| event.text(field));
    let mut known = given.filter_map(|given| {
        let given = given.split(" (").next().unwrap_or_default().trim();
        kinds().find(|kind| !kind.is_empty() && kind.eq_ignore_ascii_case(given))
    });
    known.next().unwrap_or_default()
}

/// The `X-Message-Id` of the send API's answer.
fn message_id(event: &Fields<'_>) -> Option<String> {
    if let Some(id) = event.text("sg_message_id").filter(|id| !id.starts_with("filter")) {
        // The name of the server that took the message ends the id.
        let end = [".filter", ".recvd", "."].iter().find_map(|end| id.find(end));
        return Some(id[..end.unwrap_or(id.len())].to_owned());
    }
    let smtp_id = event.text("smtp-id")?;
    let (id, host) = smtp_id.trim().strip_prefix('<')?.strip_suffix('>')?.split_once('@')?;
    host.ends_with(".sendgrid.net").then(|| id.to_owned())
}

const SIGNATURE: &str = "X-Twilio-Email-Event-Webhook-Signature";
const TIMESTAMP: &str = "X-Twilio-Email-Event-Webhook-Timestamp";

/// SendGrid tries for 24 hours to send an event, and does not document whether it signs each attempt anew. One hour is for a
/// clock that is wrong.
const TOLERANCE: Duration = Duration::from_secs(25 * 60 * 60);

const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");

/// The public keys with which SendGrid's signature is verified. Each of them suffices, so that a key can be replaced.
///
/// The [tolerance](crate::Webhook::tolerance) is 25 hours unless the webhook has its own, because SendGrid tries for 24 hours to
/// send an event, and does not document whether it signs each attempt anew. A replay within it has the same idempotency keys.
///
/// ```
/// use mailglass_webhooks::{Request, Webhook, sendgrid};
///
/// // "Verification key" in the settings of the event webhook.
/// let key = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==";
/// let webhook = Webhook::new("acme", sendgrid::PublicKeys::new([key])?);
///
/// let unsigned = Request::new(b"[]");
/// assert!(webhook.receive(&unsigned).is_err_and(|error| error.is_unverified()));
/// # Ok::<(), mailglass_webhooks::KeyError>(())
/// ```
#[derive(Clone)]
pub struct PublicKeys(Vec<UnparsedPublicKey<Vec<u8>>>);

impl PublicKeys {
    /// Verifies with these keys, as SendGrid shows them: base64 of a `SubjectPublicKeyInfo`. PEM is read as well.
    ///
    /// # Errors
    /// - [`KeyError::None`]: there is no key
    /// - [`KeyError::Empty`] and [`KeyError::Malformed`]: one is not a public key on the curve P-256
    pub fn new(keys: impl IntoIterator<Item = impl AsRef<str>>) -> std::result::Result<Self, KeyError> {
        verifier::keys(keys, "public key", public_key).map(PublicKeys)
    }
}

fn public_key(text: &str) -> std::result::Result<UnparsedPublicKey<Vec<u8>>, KeyError> {
    let what = "the public key";
    let malformed = |message| KeyError::Malformed { what, message };
    let base64: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("-----"))
        .flat_map(str::split_whitespace)
        .collect();
    if base64.is_empty() {
        return Err(KeyError::Empty(what));
    }
    let der = BASE64
        .decode(base64.as_bytes())
        .map_err(|_| malformed("is not base64"))?;
    let info =
        SubjectPublicKeyInfoRef::try_from(der.as_slice()).map_err(|_| malformed("is not a SubjectPublicKeyInfo"))?;
    if info.algorithm.oids().ok() != Some((EC_PUBLIC_KEY, Some(P256))) {
        return Err(malformed("is not one of the curve P-256"));
    }
    // An uncompressed point.
    match info.subject_public_key.as_bytes() {
        Some(point) if point.len() == 65 && point.first() == Some(&4) => {
            Ok(UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point.to_vec()))
        }
        _ => Err(malformed("is not an uncompressed point")),
    }
}

impl fmt::Debug for PublicKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKeys({})", self.0.len())
    }
}

impl sealed::Verify for PublicKeys {
    fn verify(&self, request: &Request<'_>, clock: &Clock) -> std::result::Result<(), VerificationError> {
        let signature = request.text(SIGNATURE).ok_or(VerificationError::Missing(SIGNATURE))?;
        let timestamp = request.text(TIMESTAMP).ok_or(VerificationError::Missing(TIMESTAMP))?;
        let signature = BASE64
            .decode(signature.as_bytes())
            .map_err(|_| VerificationError::Malformed("the signature"))?;
        let signed = [timestamp.as_bytes(), request.body()].concat();
        any(&self.0, "the signature", |key| key.verify(&signed, &signature).is_ok())?;
        let signed_at = time::unix(timestamp).ok_or(VerificationError::Malformed("the time of the signature"))?;
        clock.check(signed_at, TOLERANCE)
    }
}

impl Verifier for PublicKeys {
    fn provider(&self) -> Provider {
        Provider::SendGrid
    }
}

#[cfg(feature = "samples")]
pub(crate) static SAMPLE: &str = r#"[
  {
    "email": "ann@example.com",
    "timestamp": 1794000600,
    "smtp-id": "<14c5d75ce93dfd64b469AA@geopod-ismtpd-1.sendgrid.net>",
    "event": "processed",
    "category": ["welcome"],
    "sg_event_id": "cHJvY2Vzc2VkLTEyMzQ1Njc4LTE0YzVkNzVjZTkz",
    "sg_message_id": "14c5d75ce93dfd64b469AA.recvd-5f54b5d587-pczjm-1-67BADEEA-6.0"
  },
  {
    "email": "ann@example.com",
    "timestamp": 1794000603,
    "ip": "192.0.2.10",
    "smtp-id": "<14c5d75ce93dfd64b469AA@geopod-ismtpd-1.sendgrid.net>",
    "event": "delivered",
    "category": ["welcome"],
    "sg_event_id": "ZGVsaXZlcmVkLTAtMTQ4LTE0YzVkNzVjZTkz",
    "sg_message_id": "14c5d75ce93dfd64b469AA.recvd-5f54b5d587-pczjm-1-67BADEEA-6.0",
    "response": "250 2.0.0 OK",
    "tls": 1
  }
]"#;

/// `secret` is a private key of the curve P-256, as PEM (PKCS#8).
#[cfg(feature = "samples")]
pub(crate) fn sign(secret: &str, _: &str, body: &[u8], now: DateTime<Utc>) -> std::result::Result<Sample, KeyError> {
    let malformed = |message| KeyError::Malformed {
        what: "the private key",
        message,
    };
    let (_, der) = spki::der::pem::decode_vec(secret.trim().as_bytes()).map_err(|_| malformed("is not PEM"))?;
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &der, &random)
        .map_err(|_| malformed("is not one of the curve P-256 in PKCS#8"))?;
    let timestamp = now.timestamp().to_string();
    let signature = key
        .sign(&random, &[timestamp.as_bytes(), body].concat())
        .map_err(|_| malformed("can't sign"))?;
    Ok(Sample::json(body)
        .header(SIGNATURE, BASE64.encode(signature.as_ref()))
        .header(TIMESTAMP, timestamp))
}

#[cfg(test)]
mod tests {
    use super::OWN;

    #[test]
    fn its_own_members_are_in_order() {
        assert!(OWN.is_sorted());
    }
}
