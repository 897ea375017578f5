//! Mandrill (Mailchimp Transactional). Each request is a form whose field `mandrill_events` has a list of events.
//!
//! Verify them with [`Keys`]. Before Mandrill saves a URL, it sends a `HEAD` request without a signature: answer with 200. If
//! that fails, it posts an empty list, which is signed with a key that everybody knows. [`Keys`] accepts it, because an empty
//! list reports nothing.
//!
//! Changes of the allowlist and denylist ("sync events") are about no message: they are unknown events.

use std::borrow::Cow;
use std::fmt;

use data_encoding::BASE64;
use mailglass::EventType::{
    Bounced, Clicked, Complained, Deferred, Delivered, Opened, Rejected, Sent, Unknown, Unsubscribed,
};
use ring::hmac;

#[cfg(feature = "samples")]
use chrono::{DateTime, Utc};

#[cfg(feature = "samples")]
use crate::Sample;
use crate::draft::{Draft, Input, Read};
use crate::fields::Fields;
use crate::key::Key;
use crate::mapping::{self, Facts, Mapping};
use crate::verifier::{self, Clock, Verifier, any, sealed};
use crate::{KeyError, Provider, Received, Request, Result, VerificationError, smtp};

pub(crate) static FACTS: Facts = Facts {
    title: "Mandrill (Mailchimp Transactional)",
    mappings: MAPPINGS,
    message_id: "`_id`, as in the answer of the send API",
    signature: "HMAC-SHA1 over the URL and the form",
    documentation: "https://mailchimp.com/developer/transactional/docs/webhooks/",
    read_on: "2026-11-27",
};

static MAPPINGS: &[Mapping] = &[
    Mapping::new("send", Sent),
    Mapping::new("deferral", Deferred).soft(),
    Mapping::new("delivered", Delivered),
    Mapping::new("hard_bounce", Bounced).hard(),
    Mapping::new("soft_bounce", Bounced).soft(),
    Mapping::new("open", Opened),
    Mapping::new("click", Clicked),
    Mapping::new("spam", Complained),
    Mapping::new("unsub", Unsubscribed),
    Mapping::new("reject", Rejected),
    // Changes of a list, under the older and newer names.
    Mapping::new("blacklist", Unknown),
    Mapping::new("denylist", Unknown),
    Mapping::new("whitelist", Unknown),
    Mapping::new("allowlist", Unknown),
    Mapping::new("safelist", Unknown),
];

const FIELD: &str = "mandrill_events";

pub(crate) fn normalize(input: &Input<'_>) -> Result<Vec<Received>> {
    let mut lists = form_urlencoded::parse(input.request.body()).filter(|(name, _)| name == FIELD);
    let list = match (lists.next(), lists.next()) {
        (Some((_, list)), None) => list,
        (None, _) => return Err(input.malformed(format!("is not a form with the field `{FIELD}`"))),
        (Some(_), Some(_)) => return Err(input.malformed(format!("has the field `{FIELD}` more than once"))),
    };
    if is_empty_list(&list) {
        return Ok(vec![Received::Ping]);
    }
    input.each(&list, read)
}

/// What Mandrill posts to test a URL.
fn is_empty_list(list: &str) -> bool {
    list.trim() == "[]"
}

fn read(event: &Fields<'_>) -> Read {
    // An event about a list has a type instead.
    let is_message = event.value("event").is_some();
    let name = if is_message || event.value("type").is_none() {
        event.require_text("event")?
    } else {
        event.require_text("type")?
    };
    if name == "inbound" {
        return Err(event.wrong(
            "event",
            "`inbound` is about inbound mail, which mailglass does not record",
        ));
    }
    let occurred_at = event.require_unix_time("ts")?;
    let message = event.object("msg");
    let of_message = |field: &str| message.as_ref().and_then(|message| message.owned(field));
    let reject = event
        .object("reject")
        .or_else(|| message.as_ref().and_then(|message| message.object("reject")));
    let message_id = event.owned("_id").or_else(|| of_message("_id"));
    let recipient = of_message("email").or_else(|| reject.as_ref().and_then(|reject| reject.owned("email")));

    // All events of a message have its `_id`.
    let mut parts = vec![
        name.to_string(),
        message_id.clone().unwrap_or_default(),
        event.owned("ts").unwrap_or_default(),
        event.owned("url").unwrap_or_default(),
        event.owned("ip").unwrap_or_default(),
        event.owned("action").unwrap_or_default(),
    ];
    if message_id.is_none() {
        parts.extend(recipient.clone());
    }
    let mapping = mapping::find(MAPPINGS, &name, "");
    let mut draft = Draft::new(mapping, name, occurred_at, Key::Parts(parts));
    draft.message_id = message_id;
    draft.recipient = recipient;
    let details = &mut draft.details;
    details.description = of_message("bounce_description").or_else(|| reject?.first(&["detail", "reason"]));
    details.user_agent = event.owned("user_agent");
    details.click_url = event.owned("url");
    details.ip_address = event.text("ip").and_then(|ip| ip.parse().ok());
    let Some(message) = message else {
        return Ok(vec![draft]);
    };
    // Events of the recipient list the attempts as well.
    let is_attempt = matches!(
        draft.reported.as_str(),
        "send" | "deferral" | "delivered" | "hard_bounce" | "soft_bounce"
    );
    let attempt = message.list("smtp_events").last().filter(|_| is_attempt);
    let attempt = attempt.and_then(|attempt| Fields::new(attempt).ok());
    let of_attempt = |field: &str| attempt.as_ref().and_then(|attempt| attempt.owned(field));
    details.remote_mta = of_attempt("destination_ip");
    if let Some(reply) = message.owned("diag").or_else(|| of_attempt("diag")) {
        smtp::reply(details, reply);
    }
    let tags = message.list("tags").iter().filter_map(|tag| tag.as_str());
    draft.tags.extend(tags.map(str::to_owned));
    if let Some(metadata) = message.object("metadata") {
        draft.metadata = metadata.members().clone();
    }
    Ok(vec![draft])
}

const SIGNATURE: &str = "X-Mandrill-Signature";

/// With which Mandrill signs an empty list, to test a URL before the webhook has a key.
const TEST_KEY: &str = "test-webhook";

/// The URL of a webhook and its keys. Each key suffices, so that one can be replaced.
///
/// Mandrill signs the URL exactly as it was entered there: with its query, with a user and password if it has them, and with or
/// without a slash at the end. Mandrill signs no time, so a [tolerance](crate::Webhook::tolerance) has no effect. A replay has the
/// same idempotency keys.
///
/// ```
/// use mailglass_webhooks::{Request, Webhook, mandrill};
///
/// let keys = mandrill::Keys::new("https://example.com/webhooks/mandrill", ["a6bX5xoKHjZwq3RPjyA7dw"])?;
/// let webhook = Webhook::new("acme", keys);
///
/// let unsigned = Request::new(b"mandrill_events=%5B%5D");
/// assert!(webhook.receive(&unsigned).is_err_and(|error| error.is_unverified()));
/// # Ok::<(), mailglass_webhooks::KeyError>(())
/// ```
#[derive(Clone)]
pub struct Keys {
    url: String,
    keys: Vec<hmac::Key>,
}

impl Keys {
    /// Verifies with these keys, which Mandrill shows beside the webhook of this URL.
    ///
    /// # Errors
    /// - [`KeyError::None`]: there is no key
    /// - [`KeyError::Empty`]: a key or the URL is empty
    pub fn new(
        url: impl Into<String>,
        keys: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> std::result::Result<Self, KeyError> {
        let url = url.into();
        if url.is_empty() {
            return Err(KeyError::Empty("the URL"));
        }
        let keys = verifier::keys(keys, "key", mac_key)?;
        Ok(Keys { url, keys })
    }
}

fn mac_key(key: &str) -> std::result::Result<hmac::Key, KeyError> {
    if key.is_empty() {
        return Err(KeyError::Empty("the key"));
    }
    Ok(hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes()))
}

/// The URL, then the name and value of each field, in the order of the names.
fn signed(url: &str, fields: &mut [(Cow<'_, str>, Cow<'_, str>)]) -> String {
    fields.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut text = url.to_owned();
    for (name, value) in fields {
        text.push_str(name);
        text.push_str(value);
    }
    text
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may have a password.
        write!(f, "Keys({})", self.keys.len())
    }
}

impl sealed::Verify for Keys {
    fn verify(&self, request: &Request<'_>, _: &Clock) -> std::result::Result<(), VerificationError> {
        let signature = request.text(SIGNATURE).ok_or(VerificationError::Missing(SIGNATURE))?;
        let signature = BASE64
            .decode(signature.as_bytes())
            .map_err(|_| VerificationError::Malformed("the signature"))?;
        let mut fields: Vec<_> = form_urlencoded::parse(request.body()).collect();
        let signed = signed(&self.url, &mut fields);
        let fits = |key: &hmac::Key| hmac::verify(key, signed.as_bytes(), &signature).is_ok();
        let outcome = any(&self.keys, "the signature", fits);
        if outcome.is_err()
            && let [(name, list)] = fields.as_slice()
            && name == FIELD
            && is_empty_list(list)
            && mac_key(TEST_KEY).is_ok_and(|key| fits(&key))
        {
            return Ok(());
        }
        outcome
    }
}

impl Verifier for Keys {
    fn provider(&self) -> Provider {
        Provider::Mandrill
    }
}

#[cfg(feature = "samples")]
pub(crate) static SAMPLE: &str = concat!(
    "mandrill_events=%5B%7B%22event%22%3A%22send%22%2C%22_id%22%3A%22a6ed8b2cf0a94a6aa4dd33e4e5b6f2d1%22%2C%22ts%22",
    "%3A1794000000%2C%22msg%22%3A%7B%22ts%22%3A1793999980%2C%22_id%22%3A%22a6ed8b2cf0a94a6aa4dd33e4e5b6f2d1%22%2C%2",
    "2subject%22%3A%22Welcome%22%2C%22email%22%3A%22ann%40example.com%22%2C%22sender%22%3A%22shop%40example.com%22%",
    "2C%22state%22%3A%22sent%22%2C%22tags%22%3A%5B%22welcome%22%5D%2C%22metadata%22%3A%7B%22order%22%3A%227%22%7D%2",
    "C%22opens%22%3A%5B%5D%2C%22clicks%22%3A%5B%5D%2C%22subaccount%22%3Anull%2C%22template%22%3Anull%7D%7D%2C%7B%22",
    "event%22%3A%22open%22%2C%22_id%22%3A%22a6ed8b2cf0a94a6aa4dd33e4e5b6f2d1%22%2C%22ts%22%3A1794000300%2C%22msg%22",
    "%3A%7B%22ts%22%3A1793999980%2C%22_id%22%3A%22a6ed8b2cf0a94a6aa4dd33e4e5b6f2d1%22%2C%22subject%22%3A%22Welcome%",
    "22%2C%22email%22%3A%22ann%40example.com%22%2C%22sender%22%3A%22shop%40example.com%22%2C%22state%22%3A%22sent%2",
    "2%2C%22tags%22%3A%5B%22welcome%22%5D%2C%22metadata%22%3A%7B%22order%22%3A%227%22%7D%2C%22opens%22%3A%5B%5D%2C%",
    "22clicks%22%3A%5B%5D%2C%22subaccount%22%3Anull%2C%22template%22%3Anull%7D%2C%22ip%22%3A%22198.51.100.23%22%2C%",
    "22user_agent%22%3A%22Mozilla%2F5.0+%28X11%3B+Linux+x86_64%3B+rv%3A140.0%29+Gecko%2F20100101+Firefox%2F140.0%22",
    "%2C%22location%22%3Anull%2C%22user_agent_parsed%22%3Anull%7D%5D",
);

/// `secret` is the key of the webhook.
#[cfg(feature = "samples")]
pub(crate) fn sign(secret: &str, url: &str, body: &[u8], _: DateTime<Utc>) -> std::result::Result<Sample, KeyError> {
    let mut fields: Vec<_> = form_urlencoded::parse(body).collect();
    let tag = hmac::sign(&mac_key(secret)?, signed(url, &mut fields).as_bytes());
    let headers = [
        ("Content-Type", "application/x-www-form-urlencoded".to_owned()),
        (SIGNATURE, BASE64.encode(tag.as_ref())),
    ];
    Ok(Sample {
        headers: headers.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        body: body.to_vec(),
    })
}
