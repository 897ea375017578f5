//! Mailjet. Each request has one event or, if the events of the webhook are grouped (version 2), a list.
//!
//! Mailjet signs nothing: use [`Credentials`](crate::Credentials), with basic authentication in the URL.
//!
//! `MessageID` is the number that the send API returns for each recipient. Mailjet has no event for an accepted message, and its
//! `sent` says that the receiving server has accepted it. A message has one `Payload`, which is read as metadata if it is a JSON
//! object, and one `CustomID`. Either of them may be a text: `mailglass_delivery_id:` and the delivery's id.

use mailglass::EventType::{Bounced, Clicked, Complained, Deferred, Delivered, Opened, Rejected, Unsubscribed};
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
    title: "Mailjet",
    mappings: MAPPINGS,
    message_id: "`MessageID`, as in the answer of the send API",
    signature: "basic authentication",
    documentation: "https://dev.mailjet.com/email/guides/webhooks/",
    read_on: "2026-11-27",
};

const GREYLISTED: &str = "greylisted";

/// The events, and the errors: each may be that of a bounce, or of a message that Mailjet has not sent.
macro_rules! mappings {
    (
        events { $($event:expr,)* }
        errors { $($error:literal $reason:ident $($permanence:ident)?,)* }
    ) => {
        static MAPPINGS: &[Mapping] = &[
            $($event,)*
            $(Mapping::new("bounce", Bounced).kind($error).reason(Reason::$reason)$(.$permanence())?,)*
            $(Mapping::new("blocked", Rejected).kind($error).reason(Reason::$reason)$(.$permanence())?,)*
        ];
    };
}

mappings! {
    events {
        Mapping::new("sent", Delivered),
        Mapping::new("open", Opened),
        Mapping::new("click", Clicked),
        Mapping::new("spam", Complained),
        Mapping::new("unsub", Unsubscribed),
        Mapping::new("bounce", Bounced).reason(Reason::Other),
        Mapping::new("blocked", Rejected).reason(Reason::Other),
        // Mailjet tries again.
        Mapping::new("bounce", Deferred).kind(GREYLISTED).reason(Reason::Other).soft(),
        Mapping::new("blocked", Deferred).kind(GREYLISTED).reason(Reason::Other).soft(),
    }
    // The `hard_bounce` of an event takes precedence, if its error is about the recipient or the domain.
    errors {
        "user unknown" Bounced hard,
        "mailbox inactive" Bounced hard,
        "quota exceeded" Bounced soft,
        "blacklisted" Blocked,
        "spam reporter" Spam,
        "invalid domain" Bounced hard,
        "no mail host" Bounced,
        "relay/access denied" Bounced,
        "typofix" Invalid hard,
        "sender blocked" Blocked,
        "content blocked" Blocked,
        "policy issue" Blocked,
        "system issue" Other,
        "protocol issue" Other,
        "connection issue" Other,
        "preblocked" Blocked,
        "duplicate in campaign" Other,
    }
}

pub(crate) fn normalize(input: &Input<'_>) -> Result<Vec<Received>> {
    let text = input.text();
    if !text.trim_start().starts_with('{') {
        return input.each(&text, read);
    }
    // The parse API has no name of an event.
    let kind: Kind = serde_json::from_str(&text).unwrap_or_default();
    if kind.event.is_none() && kind.headers.is_some() && kind.parts.is_some() {
        return Err(input.inbound("Parse API"));
    }
    input.one(&text, read)
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Kind {
    event: Option<serde::de::IgnoredAny>,
    #[serde(rename = "Headers")]
    headers: Option<serde::de::IgnoredAny>,
    #[serde(rename = "Parts")]
    parts: Option<serde::de::IgnoredAny>,
}

fn read(event: &Fields<'_>) -> Read {
    if event.value("event").is_none() && event.value("Headers").is_some() && event.value("Parts").is_some() {
        return Err(event.wrong(
            "Parts",
            "is about inbound mail of the Parse API, which mailglass does not record",
        ));
    }
    let name = event.require_text("event")?;
    let occurred_at = event.require_unix_time("time")?;
    // Grouped events had only the other one once.
    let message_id = event.first(&["MessageID", "mj_message_id"]);
    let recipient = event.owned("email");
    let error = event.text("error").unwrap_or_default();
    let key = Key::parts([
        name.to_string(),
        message_id.clone().unwrap_or_default(),
        recipient.clone().unwrap_or_default(),
        event.owned("time").unwrap_or_default(),
        event.owned("url").unwrap_or_default(),
        event.owned("ip").unwrap_or_default(),
        error.to_string(),
    ]);

    let hard_bounce = event.boolean("hard_bounce");
    let kind = if error == GREYLISTED && hard_bounce == Some(true) {
        ""
    } else {
        error.as_ref()
    };
    let mapping = mapping::find(MAPPINGS, &name, kind);
    let is_bounce = mapping.is_some_and(|mapping| mapping.event_type == Bounced);
    let mut draft = Draft::new(mapping, name, occurred_at, key);
    draft.message_id = message_id;
    draft.recipient = recipient;
    if error.is_empty() {
        draft.reject_reason = None;
    }
    // An error of the content or the sender says nothing about the address, even if it is permanent.
    let related_to = event.text("error_related_to");
    if is_bounce && matches!(related_to.as_deref(), None | Some("recipient" | "domain")) {
        draft.details.permanent = hard_bounce.or(draft.details.permanent);
    }
    let details = &mut draft.details;
    details.description = event.first(&["comment", "source"]);
    if let Some(comment) = event.text("comment") {
        (details.smtp_code, details.enhanced_status) = smtp::codes(&comment);
    }
    if let Some(reply) = event.owned("smtp_reply") {
        // As in `sent (250 2.0.0 OK)`.
        let codes = reply.split_once('(').map_or(reply.as_str(), |(_, behind)| behind);
        (details.smtp_code, details.enhanced_status) = smtp::codes(codes);
        details.mta_response = Some(reply);
    }
    details.user_agent = event.owned("agent");
    details.click_url = event.owned("url");
    details.ip_address = event.text("ip").and_then(|ip| ip.parse().ok());
    draft.tags.extend(event.owned("customcampaign"));
    draft.metadata = metadata(event);
    Ok(vec![draft])
}

/// The members of the payload, and the custom id.
fn metadata(event: &Fields<'_>) -> Map<String, Value> {
    let mut metadata = Map::new();
    for name in ["Payload", "CustomID"] {
        let Some(value) = event.value(name) else {
            continue;
        };
        let parsed = value.as_str().and_then(|text| serde_json::from_str(text).ok());
        match parsed.as_ref().unwrap_or(value) {
            Value::Object(members) => metadata.extend(members.clone()),
            _ => {
                metadata.insert(name.to_owned(), value.clone());
            }
        }
    }
    metadata
}

#[cfg(feature = "samples")]
pub(crate) static SAMPLE: &str = r#"[
  {
    "event": "sent",
    "time": 1794000603,
    "MessageID": 1152921527711234567,
    "Message_GUID": "1ab23cd4-e567-8901-2345-6789f0gh1i2j",
    "email": "ann@example.com",
    "mj_campaign_id": 7257,
    "mj_contact_id": 4,
    "customcampaign": "",
    "mj_message_id": "1152921527711234567",
    "smtp_reply": "sent (250 2.0.0 OK 1794000603 fa5si855896wjc.199 - gsmtp)",
    "CustomID": "order-7",
    "Payload": ""
  },
  {
    "event": "open",
    "time": 1794000900,
    "MessageID": 1152921527711234567,
    "Message_GUID": "1ab23cd4-e567-8901-2345-6789f0gh1i2j",
    "email": "ann@example.com",
    "mj_campaign_id": 7257,
    "mj_contact_id": 4,
    "customcampaign": "",
    "CustomID": "order-7",
    "Payload": "",
    "ip": "192.0.2.44",
    "geo": "NL",
    "agent": "Mozilla/5.0"
  }
]"#;

#[cfg(feature = "samples")]
pub(crate) fn sign(secret: &str, _: &str, body: &[u8], _: DateTime<Utc>) -> std::result::Result<Sample, KeyError> {
    samples::basic(secret, body)
}
