//! Unisender Go, and UniOne, which is the same service under another name. A request has up to 100 events, or one if the webhook
//! has "use single event".
//!
//! The body has its own signature, which is made with the key of the API: use [`ApiKeys`]. Choose the format `json_post`, and
//! the additional information about delivery. Answer the `GET` request that tests the URL with 200. `job_id` is the one that
//! the send API returns; all recipients of the message share it. Metadata has its own name.

use std::fmt;

use data_encoding::HEXLOWER_PERMISSIVE;
use mailglass::EventType::{
    Bounced, Clicked, Complained, Deferred, Delivered, Opened, Queued, Sent, Subscribed, Unknown, Unsubscribed,
};
use mailglass::RejectReason as Reason;
use md5::{Digest, Md5};
use serde_json::value::RawValue;

#[cfg(feature = "samples")]
use chrono::{DateTime, Utc};
#[cfg(feature = "samples")]
use data_encoding::HEXLOWER;

#[cfg(feature = "samples")]
use crate::Sample;
use crate::draft::{Draft, Input, Read};
use crate::fields::Fields;
use crate::key::Key;
use crate::mapping::{self, Facts, Mapping};
use crate::verifier::{Clock, Verifier, any, sealed};
use crate::{KeyError, Provider, Received, Request, Result, VerificationError, secret, smtp};

pub(crate) static FACTS: Facts = Facts {
    title: "Unisender Go",
    mappings: MAPPINGS,
    message_id: "`job_id`, as in the answer of the send API",
    signature: "MD5 of the body with the API key",
    documentation: "https://godocs.unisender.ru/web-api-ref#callback-format",
    read_on: "2026-11-27",
};

/// The event is the status, and the kind is `delivery_info.delivery_status`.
static MAPPINGS: &[Mapping] = &[
    Mapping::new("accepted", Queued),
    Mapping::new("sent", Sent),
    Mapping::new("delivered", Delivered),
    Mapping::new("opened", Opened),
    Mapping::new("clicked", Clicked),
    Mapping::new("unsubscribed", Unsubscribed),
    Mapping::new("subscribed", Subscribed),
    Mapping::new("spam", Complained),
    // Unisender Go tries again.
    Mapping::new("soft_bounced", Deferred).soft(),
    Mapping::new("soft_bounced", Deferred).kind("err_will_retry").soft(),
    Mapping::new("soft_bounced", Deferred)
        .kind("err_mailbox_full")
        .reason(Reason::Bounced)
        .soft(),
    Mapping::new("hard_bounced", Bounced).hard(),
    Mapping::new("hard_bounced", Bounced)
        .kind("err_user_unknown")
        .reason(Reason::Bounced)
        .hard(),
    Mapping::new("hard_bounced", Bounced)
        .kind("err_user_inactive")
        .reason(Reason::Bounced)
        .hard(),
    Mapping::new("hard_bounced", Bounced)
        .kind("err_mailbox_discarded")
        .reason(Reason::Bounced)
        .hard(),
    Mapping::new("hard_bounced", Bounced)
        .kind("err_unreachable")
        .reason(Reason::Bounced)
        .hard(),
    Mapping::new("hard_bounced", Bounced)
        .kind("skip_dup_unreachable")
        .hard(),
    // The address is unreachable for a few days.
    Mapping::new("hard_bounced", Bounced)
        .kind("err_mailbox_full")
        .reason(Reason::Bounced)
        .soft(),
    Mapping::new("hard_bounced", Bounced)
        .kind("err_skip_letter")
        .reason(Reason::Bounced)
        .soft(),
    Mapping::new("hard_bounced", Bounced)
        .kind("err_domain_inactive")
        .reason(Reason::Bounced)
        .soft(),
    Mapping::new("hard_bounced", Bounced)
        .kind("err_destination_misconfigured")
        .reason(Reason::Bounced)
        .soft(),
    Mapping::new("hard_bounced", Bounced)
        .kind("skip_dup_mailbox_full")
        .soft(),
    Mapping::new("hard_bounced", Bounced)
        .kind("skip_dup_temp_unreachable")
        .soft(),
    // The message or its sender is at fault, or the provider does not say what is.
    Mapping::new("hard_bounced", Bounced)
        .kind("err_spam_rejected")
        .reason(Reason::Spam),
    Mapping::new("hard_bounced", Bounced)
        .kind("err_spam_skipped")
        .reason(Reason::Spam),
    Mapping::new("hard_bounced", Bounced)
        .kind("err_spam_removed")
        .reason(Reason::Other),
    Mapping::new("hard_bounced", Bounced)
        .kind("err_blacklisted")
        .reason(Reason::Blocked),
    Mapping::new("hard_bounced", Bounced)
        .kind("err_too_large")
        .reason(Reason::Bounced),
    Mapping::new("hard_bounced", Bounced)
        .kind("err_unsubscribed")
        .reason(Reason::Unsubscribed),
    Mapping::new("hard_bounced", Bounced)
        .kind("err_delivery_failed")
        .reason(Reason::Other),
    Mapping::new("hard_bounced", Bounced)
        .kind("err_lost")
        .reason(Reason::Other),
    Mapping::new("hard_bounced", Bounced)
        .kind("err_internal")
        .reason(Reason::Other),
    // A receiving domain refuses the messages of the account: not about a message.
    Mapping::new(SPAM_BLOCK, Unknown),
];

const STATUS: &str = "transactional_email_status";
const SPAM_BLOCK: &str = "transactional_spam_block";

/// The reason of a delivery status, whatever the event.
fn reason(delivery_status: &str) -> Option<Reason> {
    if !delivery_status.starts_with("err") {
        return None;
    }
    match MAPPINGS.iter().find(|mapping| mapping.kind == delivery_status) {
        Some(mapping) => mapping.reject_reason,
        None => Some(Reason::Other),
    }
}

pub(crate) fn normalize(input: &Input<'_>) -> Result<Vec<Received>> {
    let text = input.text();
    let batch: Batch<'_> = serde_json::from_str(&text).map_err(|error| input.not_json(&error))?;
    let Some(users) = batch.events_by_user else {
        return input.one(&text, read);
    };
    // The documentation promises one user.
    let events: Vec<&RawValue> = users.into_iter().flat_map(|user| user.events).collect();
    input.elements(&events, read)
}

#[derive(serde::Deserialize)]
struct Batch<'a> {
    #[serde(borrow)]
    events_by_user: Option<Vec<User<'a>>>,
}

#[derive(serde::Deserialize)]
struct User<'a> {
    #[serde(borrow)]
    events: Vec<&'a RawValue>,
}

fn read(event: &Fields<'_>) -> Read {
    let event_name = event.require_text("event_name")?;
    // A single event has its data among its own members.
    let data = event.object("event_data").unwrap_or_else(|| event.clone());
    let (name, time) = match event_name.as_ref() {
        STATUS => (data.require_text("status")?, "event_time"),
        SPAM_BLOCK => (event_name.clone(), "block_time"),
        _ => (event_name.clone(), "event_time"),
    };
    // In UTC, without saying so.
    let occurred_at = data.require_time(time)?;
    let message_id = data.owned("job_id");
    let recipient = data.owned("email");
    let info = data.object("delivery_info");
    let of_info = |name: &str| info.as_ref()?.owned(name);
    let kind = of_info("delivery_status").unwrap_or_default();
    let key = Key::parts([
        name.to_string(),
        kind.clone(),
        message_id.clone().unwrap_or_default(),
        recipient.clone().unwrap_or_default(),
        data.owned(time).unwrap_or_default(),
        data.owned("url").unwrap_or_default(),
        data.owned("domain").unwrap_or_default(),
        data.owned("domain_status").unwrap_or_default(),
        data.owned("block_type").unwrap_or_default(),
    ]);

    let mut draft = Draft::new(mapping::find(MAPPINGS, &name, &kind), name, occurred_at, key);
    draft.message_id = message_id;
    draft.recipient = recipient;
    draft.reject_reason = reason(&kind);
    if let Some(response) = of_info("destination_response") {
        smtp::reply(&mut draft.details, response);
    }
    draft.details.description = Some(kind)
        .filter(|kind| !kind.is_empty())
        .or_else(|| data.owned("comment"));
    draft.details.ip_address = of_info("ip").and_then(|ip| ip.parse().ok());
    draft.details.user_agent = of_info("user_agent");
    draft.details.click_url = data.owned("url");
    if let Some(metadata) = data.object("metadata") {
        draft.metadata = metadata.members().clone();
    }
    Ok(vec![draft])
}

/// Verifies requests by the keys of the API: that of the account, or that of the project which the webhook is for.
///
/// `auth` in the body is the MD5 of the body in which its value is replaced by the key. There is no time of the request, and
/// MD5 is old: add a [secret path](crate::Credential::path) to the URL if you can. A replay is harmless: its events have the
/// same idempotency keys.
///
/// ```
/// use mailglass_webhooks::{Received, Request, Webhook, unisender_go};
///
/// let webhook = Webhook::new("acme", unisender_go::ApiKeys::new(["api key"])?);
///
/// let body = br#"{"auth":"fb004e535b01f93de6f3f2f06c60ab3c","events_by_user":[{"user_id":456,"events":[{"event_name":"transactional_email_status","event_data":{"job_id":"1smi9f-00057m-86zr","email":"ann@example.com","status":"delivered","event_time":"2026-11-05 16:33:54"}}]}]}"#;
/// let received = webhook.receive(&Request::new(body))?;
/// assert!(matches!(&received[..], [Received::Report(report)] if report.reported == "delivered"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ApiKeys(Vec<String>);

impl ApiKeys {
    /// Verifies by these keys. Each of them suffices, so that a new one can be added before the old one is removed.
    ///
    /// # Errors
    /// [`KeyError::None`] without a key, and [`KeyError::Empty`].
    pub fn new(keys: impl IntoIterator<Item = impl AsRef<str>>) -> std::result::Result<Self, KeyError> {
        let keys: Vec<_> = keys.into_iter().map(|key| key.as_ref().to_owned()).collect();
        if keys.is_empty() {
            return Err(KeyError::None("API key"));
        }
        if keys.iter().any(String::is_empty) {
            return Err(KeyError::Empty("the API key"));
        }
        Ok(ApiKeys(keys))
    }
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeys").finish_non_exhaustive()
    }
}

impl sealed::Verify for ApiKeys {
    fn verify(&self, request: &Request<'_>, _: &Clock) -> std::result::Result<(), VerificationError> {
        let signed = Signed::find(request.body())?;
        let given = HEXLOWER_PERMISSIVE
            .decode(signed.auth)
            .ok()
            .filter(|digest| digest.len() == <Md5 as Digest>::output_size())
            .ok_or(VerificationError::Malformed(AUTH))?;
        any(&self.0, AUTH, |key| secret::equal(&signed.digest(key), &given))
    }
}

impl Verifier for ApiKeys {
    fn provider(&self) -> Provider {
        Provider::UnisenderGo
    }
}

const AUTH: &str = "`auth` in the body";

/// A body around the value of its `auth`.
struct Signed<'a> {
    before: &'a [u8],
    auth: &'a [u8],
    after: &'a [u8],
}

impl<'a> Signed<'a> {
    /// Parses the whole body: MD5 lets anybody who knows a signature append to what it signs, and what is appended to a JSON text
    /// makes it invalid. A body that has `auth` twice is refused as well.
    fn find(body: &'a [u8]) -> std::result::Result<Self, VerificationError> {
        #[derive(serde::Deserialize)]
        struct Auth<'a> {
            #[serde(borrow)]
            auth: Option<&'a RawValue>,
        }

        let malformed = VerificationError::Malformed;
        let parsed: Auth<'a> = serde_json::from_slice(body).map_err(|_| malformed("the body"))?;
        let raw = parsed.auth.ok_or(VerificationError::Missing(AUTH))?.get();
        let auth = raw
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .ok_or(malformed(AUTH))?
            .as_bytes();
        // `raw` is a part of the body.
        let start = auth.as_ptr().addr() - body.as_ptr().addr();
        Ok(Signed {
            before: &body[..start],
            auth,
            after: &body[start + auth.len()..],
        })
    }

    fn digest(&self, key: &str) -> [u8; 16] {
        let mut hash = Md5::new();
        for part in [self.before, key.as_bytes(), self.after] {
            hash.update(part);
        }
        hash.finalize().into()
    }
}

#[cfg(feature = "samples")]
pub(crate) static SAMPLE: &str = r#"{
  "auth": "00000000000000000000000000000000",
  "events_by_user": [
    {
      "user_id": 456,
      "project_id": "6432890213745872",
      "project_name": "MyProject",
      "events": [
        {
          "event_name": "transactional_email_status",
          "event_data": {
            "job_id": "1smi9f-00057m-86zr",
            "metadata": {"example": "value"},
            "email": "john@example.com",
            "status": "delivered",
            "event_time": "2026-11-05 16:33:54"
          }
        }
      ]
    }
  ]
}"#;

/// Replaces the value of `auth`, which the body must have.
#[cfg(feature = "samples")]
pub(crate) fn sign(secret: &str, _: &str, body: &[u8], _: DateTime<Utc>) -> std::result::Result<Sample, KeyError> {
    if secret.is_empty() {
        return Err(KeyError::Empty("the API key"));
    }
    let signed = Signed::find(body).map_err(|_| KeyError::Malformed {
        what: "the body",
        message: "must be a JSON object with a text `auth`",
    })?;
    let auth = HEXLOWER.encode(&signed.digest(secret));
    Ok(Sample::json(&[signed.before, auth.as_bytes(), signed.after].concat()))
}
