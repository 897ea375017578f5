//! MailerSend. Each request has one event.
//!
//! MailerSend signs the body: use [`SigningSecrets`]. There are two forms of the body, both of which are read. Version 1 nests
//! the message and the recipient in `data.email`; version 2 has `data.message_id` and `data.recipient`. The id of the message
//! is the header `X-Message-Id` in the answer of the send API, and all recipients of the message share it.
//!
//! MailerSend has no custom arguments. To have the delivery's id in the events, send the tag
//! [`mailglass_delivery_id:`](crate::DELIVERY_ID) with the id behind it.

use std::fmt;

use mailglass::EventType::{
    Bounced, Clicked, Complained, Deferred, Delivered, Opened, Rejected, Sent, Unknown, Unsubscribed,
};
use mailglass::RejectReason as Reason;
use serde_json::Value;

#[cfg(feature = "samples")]
use chrono::{DateTime, Utc};

use crate::body_mac::Keys;
use crate::draft::{Draft, Input, Read};
use crate::fields::Fields;
use crate::key::Key;
use crate::mapping::{self, Facts, Mapping};
use crate::verifier::{Clock, Verifier, sealed};
use crate::{KeyError, Provider, Received, Request, Result, VerificationError, smtp};
#[cfg(feature = "samples")]
use crate::{Sample, body_mac};

pub(crate) static FACTS: Facts = Facts {
    title: "MailerSend",
    mappings: MAPPINGS,
    message_id: "`data.message_id` or `data.email.message.id`, as the header `X-Message-Id` in the answer of the send API",
    signature: "HMAC-SHA256 of the body",
    documentation: "https://developers.mailersend.com/api/v1/webhooks.html",
    read_on: "2026-11-27",
};

static MAPPINGS: &[Mapping] = &[
    Mapping::new("activity.sent", Sent),
    Mapping::new("activity.delivered", Delivered),
    Mapping::new("activity.deferred", Deferred).soft(),
    Mapping::new("activity.hard_bounced", Bounced)
        .reason(Reason::Bounced)
        .hard(),
    Mapping::new("activity.soft_bounced", Bounced)
        .reason(Reason::Bounced)
        .soft(),
    Mapping::new("activity.suppressed", Rejected).reason(Reason::Blocked),
    Mapping::new("activity.opened", Opened),
    Mapping::new("activity.opened_unique", Opened),
    Mapping::new("activity.clicked", Clicked),
    Mapping::new("activity.clicked_unique", Clicked),
    Mapping::new("activity.unsubscribed", Unsubscribed).reason(Reason::Unsubscribed),
    Mapping::new("activity.spam_complaint", Complained).reason(Reason::Spam),
    Mapping::new("activity.survey_opened", Unknown),
    Mapping::new("activity.survey_submitted", Unknown),
    // These are not about a message.
    Mapping::new("sender_identity.verified", Unknown),
    Mapping::new("maintenance.start", Unknown),
    Mapping::new("maintenance.end", Unknown),
    Mapping::new("email_single.verified", Unknown),
    Mapping::new("email_list.verified", Unknown),
    Mapping::new("bulk_email.completed", Unknown),
    Mapping::new("recipient.on_hold_added", Unknown),
    Mapping::new("recipient.on_hold_removed", Unknown),
];

pub(crate) fn normalize(input: &Input<'_>) -> Result<Vec<Received>> {
    let text = input.text();
    let kind: Kind = serde_json::from_str(&text).unwrap_or_default();
    match kind.event.as_deref() {
        // `inbound.message`, `inbound_forward.failed` and `inbound_message.rejected`.
        Some(event) if event.starts_with("inbound") => Err(input.inbound(event)),
        _ => input.one(&text, read),
    }
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Kind {
    #[serde(rename = "type")]
    event: Option<String>,
}

/// MailerSend calls the URL with it when a webhook is created or changed.
const TEST: &str = "webhook.test";

/// What signs these calls, as MailerSend publishes it. It verifies nothing else: anybody can sign with it.
const TEST_SECRET: &str = "test_Am3L1GuOIc4blLUuHqAPxxwkZaJyEk8G";

fn read(event: &Fields<'_>) -> Read {
    let name = event.require_text("type")?;
    if name == TEST {
        return Ok(Vec::new());
    }
    if name.starts_with("inbound") {
        return Err(event.wrong(&name, "is about inbound mail, which mailglass does not record"));
    }
    let data = event.object("data").unwrap_or_else(|| event.clone());
    // The event's own time. In version 2, it is that of the request, which remains the same when the request is repeated.
    let occurred_at = match data.value("created_at") {
        Some(_) if !is_about_something_else(&name) => data.require_time("created_at")?,
        _ => event.require_time("created_at")?,
    };
    let email = data.object("email");
    let nested = |name: &str, member: &str| email.as_ref()?.object(name)?.owned(member);
    let message_id = data.owned("message_id").or_else(|| nested("message", "id"));
    let recipient = data
        .owned("recipient")
        .or_else(|| data.object("recipient")?.owned("email"))
        .or_else(|| nested("recipient", "email"))
        .or_else(|| data.owned("email"));
    let key = match data.text("id") {
        // The id is that of the activity, and an activity can be reported as `opened` and as `opened_unique`.
        Some(id) if !is_about_something_else(&name) => Key::Id(format!("{name}:{id}")),
        // Elsewhere, it is that of an object, about which there are several events.
        id => Key::parts([
            name.to_string(),
            id.unwrap_or_default().into_owned(),
            message_id.clone().unwrap_or_default(),
            recipient.clone().unwrap_or_default(),
            occurred_at.to_rfc3339(),
        ]),
    };

    let mut draft = Draft::new(mapping::find(MAPPINGS, &name, ""), name, occurred_at, key);
    draft.message_id = message_id;
    draft.recipient = recipient;
    // `morph` is of version 1, and `meta`, which is an empty list if there is nothing to say, of version 2.
    if let Some(more) = data.object("morph").or_else(|| data.object("meta")) {
        let descriptions = [
            "readable_reason",
            "reason",
            "bounce_reason",
            "unsubscribe_reason",
            "suppression_reason",
        ];
        draft.details.description = more.first(&descriptions);
        draft.details.smtp_code = more.text("bounce_code").and_then(|code| smtp::code(&code));
        draft.details.ip_address = more.text("ip").and_then(|ip| ip.parse().ok());
        draft.details.user_agent = more.owned("user_agent");
        draft.details.click_url = more.owned("url");
    }
    let tags = match email {
        Some(email) => email.list("tags"),
        None => data.list("tags"),
    };
    draft.tags = tags.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    Ok(vec![draft])
}

/// Whether `data` is not an activity but, for example, an identity, whose `created_at` is not the time of the event.
fn is_about_something_else(event: &str) -> bool {
    !event.starts_with("activity.")
}

/// Verifies requests by the signing secrets of the webhooks. Each webhook has one of its own.
///
/// The signed body has no time of the request, so there is no window against replays. A replay is harmless: its events have
/// the same idempotency keys.
///
/// ```
/// use mailglass_webhooks::{Received, Request, Webhook, mailersend};
///
/// let secrets = mailersend::SigningSecrets::new(["signing secret"])?;
/// let webhook = Webhook::new("acme", secrets);
///
/// let body = br#"{"type":"activity.sent","created_at":"2026-11-05T16:33:54.000000Z","data":{"id":"6aa59d304ab3f14ef03ccf50","message_id":"6aa59d2fbf35297925087058","type":"sent","recipient":"ann@example.com"}}"#;
/// let request = Request::new(body)
///     .header("Signature", "89b9ca87076ee34b3696bbfb9bd875564d17a354053b56e8d1b79710101645a3");
/// let received = webhook.receive(&request)?;
/// assert!(matches!(&received[..], [Received::Report(report)] if report.reported == "activity.sent"));
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
        match self.0.verify(request, HEADER) {
            Err(VerificationError::Mismatch(_)) if is_test(request) => Ok(()),
            outcome => outcome,
        }
    }
}

impl Verifier for SigningSecrets {
    fn provider(&self) -> Provider {
        Provider::MailerSend
    }
}

const HEADER: &str = "Signature";

/// Whether it is a test of the URL, signed with the published secret. Nothing but a [`Received::Ping`] comes of it.
fn is_test(request: &Request<'_>) -> bool {
    // The derived parser refuses a body that has the type twice.
    let names_test = |body: &[u8]| {
        let is_object = body.trim_ascii_start().starts_with(b"{");
        is_object && serde_json::from_slice::<Kind>(body).is_ok_and(|kind| kind.event.as_deref() == Some(TEST))
    };
    Keys::new([TEST_SECRET]).is_ok_and(|keys| keys.verify(request, HEADER).is_ok()) && names_test(request.body())
}

#[cfg(feature = "samples")]
pub(crate) static SAMPLE: &str = r#"{
  "type": "activity.delivered",
  "created_at": "2026-11-05T16:33:54.000000Z",
  "data": {
    "id": "6aa59d4a531434d718ec48a0",
    "domain_id": "yv69oxl5kl785kw2",
    "message_id": "6aa59d2fbf35297925087058",
    "email_id": "6aa59d3037403a10c4d4d18e",
    "type": "delivered",
    "subject": "Welcome",
    "recipient": "john@example.com",
    "tags": ["welcome-email"],
    "meta": []
  },
  "webhook_id": "2351ndgwr4zqx8ko"
}"#;

#[cfg(feature = "samples")]
pub(crate) fn sign(secret: &str, _: &str, body: &[u8], _: DateTime<Utc>) -> std::result::Result<Sample, KeyError> {
    Ok(Sample::json(body).header(HEADER, body_mac::sign(secret, body)?))
}
