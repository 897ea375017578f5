//! Brevo. Each request has one event, or up to 500 of them as a list if the webhook is `batched`.
//!
//! Brevo signs nothing: use [`Credentials`](crate::Credentials), with basic authentication in the URL, or a bearer token or
//! header that you configure by the API that creates the webhook. `message-id` is the `messageId` that the send API returns,
//! with its angle brackets.
//!
//! Brevo has no custom arguments. Send the header `X-Mailin-custom` with a JSON object that has
//! [`mailglass_delivery_id`](crate::DELIVERY_ID), or with the text `mailglass_delivery_id:` and the id.

use mailglass::EventType::{
    Bounced, Clicked, Complained, Deferred, Delivered, Failed, Opened, Queued, Rejected, Subscribed, Unsubscribed,
};
use mailglass::RejectReason as Reason;
use serde_json::{Map, Value};

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
    title: "Brevo",
    mappings: MAPPINGS,
    message_id: "`message-id`, as `messageId` in the answer of the send API, with angle brackets",
    signature: "basic authentication, a bearer token or a header",
    documentation: "https://developers.brevo.com/docs/transactional-webhooks",
    read_on: "2026-11-27",
};

static MAPPINGS: &[Mapping] = &[
    // Also for messages that Brevo blocks afterwards.
    Mapping::new("request", Queued),
    Mapping::new("delivered", Delivered),
    Mapping::new("deferred", Deferred).soft(),
    Mapping::new("hard_bounce", Bounced).reason(Reason::Bounced).hard(),
    Mapping::new("soft_bounce", Bounced).reason(Reason::Bounced).soft(),
    Mapping::new("invalid_email", Bounced).reason(Reason::Invalid).hard(),
    Mapping::new("blocked", Rejected).reason(Reason::Blocked),
    Mapping::new("error", Failed),
    Mapping::new("spam", Complained).reason(Reason::Spam),
    Mapping::new("complaint", Complained).reason(Reason::Spam),
    Mapping::new("unique_opened", Opened),
    Mapping::new("opened", Opened),
    Mapping::new("unique_proxy_open", Opened),
    Mapping::new("proxy_open", Opened),
    Mapping::new("click", Clicked),
    Mapping::new("unsubscribe", Unsubscribed),
    Mapping::new("unsubscribed", Unsubscribed),
    Mapping::new("list_addition", Subscribed),
];

pub(crate) fn normalize(input: &Input<'_>) -> Result<Vec<Received>> {
    let text = input.text();
    if text.trim_start().starts_with('[') {
        return input.each(&text, read);
    }
    let kind: Kind = serde_json::from_str(&text).unwrap_or_default();
    if kind.items.is_some() {
        return Err(input.inbound(INBOUND));
    }
    input.one(&text, read)
}

/// Brevo's name of the event; the body has `items` instead.
const INBOUND: &str = "inboundEmailProcessed";

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Kind {
    items: Option<serde::de::IgnoredAny>,
}

fn read(event: &Fields<'_>) -> Read {
    if event.value("items").is_some() {
        return Err(event.wrong(INBOUND, "is about inbound mail, which mailglass does not record"));
    }
    let name = event.require_text("event")?;
    // `ts` and `date` are in the time zone of the account. The documentation of `proxy_open` calls the first one `s_epoch`.
    let names = ["ts_epoch", "s_epoch", "ts_event"];
    let time = names
        .into_iter()
        .find(|name| event.value(name).is_some())
        .unwrap_or("ts_epoch");
    let occurred_at = event.require_unix_time(time)?;
    let message_id = event.owned("message-id").map(bracketed);
    let recipient = event.owned("email");
    let key = Key::parts([
        name.to_string(),
        message_id.clone().unwrap_or_default(),
        recipient.clone().unwrap_or_default(),
        event.owned(time).unwrap_or_default(),
        event.owned("link").unwrap_or_default(),
    ]);

    let mut draft = Draft::new(mapping::find(MAPPINGS, &name, ""), name, occurred_at, key);
    draft.message_id = message_id;
    draft.recipient = recipient;
    draft.details.user_agent = event.owned("user_agent");
    draft.details.click_url = event.owned("link");
    if let Some(reason) = event.text("reason") {
        let reason = reason.trim();
        let (_, reply) = reason.split_once("RecipientError:").unwrap_or(("", reason));
        let (code, status) = smtp::codes(reply);
        if code.is_some() || status.is_some() {
            draft.details.smtp_code = code;
            draft.details.enhanced_status = status;
            draft.details.mta_response = Some(reason.to_owned());
        } else {
            draft.details.description = Some(reason.to_owned());
        }
    }
    draft.tags = tags(event);
    if let Some(custom) = event.object("X-Mailin-custom") {
        draft.metadata = custom.members().clone();
    } else if let Some(text) = event.text("X-Mailin-custom") {
        draft.metadata = custom(&text);
    }
    Ok(vec![draft])
}

/// The send API returns the id in angle brackets; some of the documented examples lack them.
fn bracketed(id: String) -> String {
    if id.starts_with('<') { id } else { format!("<{id}>") }
}

/// `tags` is a list. `tag` is one tag, or such a list as JSON; it has the tag of a header, or the name of the template.
fn tags(event: &Fields<'_>) -> Vec<String> {
    let texts = |list: &[Value]| list.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    for name in ["tags", "tag"] {
        let tags: Vec<String> = match event.value(name) {
            Some(Value::Array(list)) => texts(list),
            Some(Value::String(text)) => match serde_json::from_str::<Vec<Value>>(text) {
                Ok(list) => texts(&list),
                Err(_) => vec![text.clone()],
            },
            _ => Vec::new(),
        };
        if !tags.is_empty() {
            return tags;
        }
    }
    Vec::new()
}

fn custom(text: &str) -> Map<String, Value> {
    if let Ok(metadata) = serde_json::from_str(text) {
        return metadata;
    }
    Map::from_iter([("X-Mailin-custom".to_owned(), text.into())])
}

#[cfg(feature = "samples")]
pub(crate) static SAMPLE: &str = r#"{
  "event": "delivered",
  "email": "john@example.com",
  "id": 26224,
  "date": "2026-11-05 17:33:54",
  "ts": 1793896434,
  "message-id": "<202611051633.27287306012@smtp-relay.mailin.fr>",
  "ts_event": 1793896434,
  "subject": "Welcome",
  "X-Mailin-custom": "{\"example\":\"value\"}",
  "sending_ip": "192.0.2.10",
  "ts_epoch": 1793896434000,
  "tags": ["welcome-email"]
}"#;

#[cfg(feature = "samples")]
pub(crate) fn sign(secret: &str, _: &str, body: &[u8], _: DateTime<Utc>) -> std::result::Result<Sample, KeyError> {
    samples::basic(secret, body)
}
