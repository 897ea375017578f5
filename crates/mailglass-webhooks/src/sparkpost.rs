//! SparkPost (Bird). Each request is a list of events, each in an object `msys` that names its category.
//!
//! SparkPost signs nothing: use [`Credentials`](crate::Credentials) with basic authentication, which is a setting of the webhook,
//! or a header. `transmission_id` is the `id` that the send API returns: a transmission to several recipients has one for all of
//! them, so the recipient tells them apart. SparkPost's `message_id` does not exist yet when a message is sent.
//!
//! `initial_open` is an unknown event, because SparkPost reports the same open as `open`.

use mailglass::EventType::{
    Autoresponded, Bounced, Clicked, Complained, Deferred, Delivered, Failed, Opened, Queued, Rejected, Subscribed,
    Unknown, Unsubscribed,
};
use mailglass::RejectReason as Reason;

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
    title: "SparkPost",
    mappings: MAPPINGS,
    message_id: "`transmission_id`, the `id` of the send API's answer",
    signature: "basic authentication or a header",
    documentation: "https://developers.sparkpost.com/api/webhooks/",
    read_on: "2026-11-27",
};

/// The events, and the classes of the bounces: a class and a bounce make a mapping.
macro_rules! mappings {
    (
        events { $($event:expr,)* }
        classes { $($class:literal $event_type:ident $reason:ident $($permanence:ident)?,)* }
    ) => {
        static MAPPINGS: &[Mapping] = &[
            $($event,)*
            $(Mapping::new("bounce", $event_type).kind($class).reason(Reason::$reason)$(.$permanence())?,)*
            $(Mapping::new("out_of_band", $event_type).kind($class).reason(Reason::$reason)$(.$permanence())?,)*
        ];
    };
}

mappings! {
    events {
        Mapping::new("injection", Queued),
        Mapping::new("delay", Deferred).soft(),
        Mapping::new("delivery", Delivered),
        Mapping::new("policy_rejection", Rejected),
        Mapping::new("generation_rejection", Rejected),
        Mapping::new("generation_failure", Failed),
        Mapping::new("open", Opened),
        Mapping::new("amp_open", Opened),
        Mapping::new("initial_open", Unknown),
        Mapping::new("amp_initial_open", Unknown),
        Mapping::new("click", Clicked),
        Mapping::new("amp_click", Clicked),
        Mapping::new("spam_complaint", Complained),
        Mapping::new("list_unsubscribe", Unsubscribed),
        Mapping::new("link_unsubscribe", Unsubscribed),
        Mapping::new("bounce", Bounced).reason(Reason::Other),
        Mapping::new("out_of_band", Bounced).reason(Reason::Other),
    }
    // Hard and soft are SparkPost's categories; a message that was blocked is neither.
    classes {
        "1" Bounced Other,
        "10" Bounced Invalid hard,
        "20" Bounced Bounced soft,
        "21" Bounced Bounced soft,
        "22" Bounced Bounced soft,
        "23" Bounced Bounced soft,
        "24" Bounced TimedOut soft,
        "25" Bounced Blocked,
        "30" Bounced Bounced hard,
        "40" Bounced Bounced soft,
        "50" Bounced Blocked,
        "51" Bounced Spam,
        "52" Bounced Spam,
        "53" Bounced Other,
        "54" Bounced Blocked,
        "60" Autoresponded Other,
        "70" Bounced Bounced soft,
        "80" Subscribed Other,
        "90" Unsubscribed Unsubscribed,
        "100" Autoresponded Other,
    }
}

pub(crate) fn normalize(input: &Input<'_>) -> Result<Vec<Received>> {
    input.each(&input.text(), read)
}

fn read(element: &Fields<'_>) -> Read {
    let msys = element.require_object("msys")?;
    let mut categories = msys.members().keys();
    let category = match (categories.next(), categories.next()) {
        (Some(category), None) => category.as_str(),
        // SparkPost tests the URL.
        (None, _) => return Ok(Vec::new()),
        (Some(_), Some(_)) => return Err(element.wrong("msys", "has more than one member")),
    };
    if matches!(category, "relay_message" | "relay_event") {
        return Err(msys.wrong(category, "is about inbound mail, which mailglass does not record"));
    }
    let event = msys.require_object(category)?;
    let name = event.require_text("type")?;
    // A number in a text, in general.
    let occurred_at = match event.time("timestamp") {
        Some(time) => time,
        None => event.require_unix_time("timestamp")?,
    };
    let message_id = event.owned("transmission_id");
    // The other one is in lower case.
    let recipient = event.first(&["raw_rcpt_to", "rcpt_to"]);
    let key = match event.owned("event_id") {
        Some(id) => Key::Id(id),
        None => Key::parts([
            name.to_string(),
            message_id.clone().unwrap_or_default(),
            event.owned("message_id").unwrap_or_default(),
            recipient.clone().unwrap_or_default(),
            event.owned("timestamp").unwrap_or_default(),
            event.owned("target_link_url").unwrap_or_default(),
        ]),
    };

    let class = event.text("bounce_class").unwrap_or_default();
    let mapping = mapping::find(MAPPINGS, &name, &class);
    let is_refused = mapping.is_some_and(|mapping| matches!(mapping.event_type, Rejected | Failed));
    let mut draft = Draft::new(mapping, name, occurred_at, key);
    if is_refused && !class.is_empty() {
        draft.reject_reason = mapping::find(MAPPINGS, "bounce", &class).and_then(|mapping| mapping.reject_reason);
    }
    draft.message_id = message_id;
    draft.recipient = recipient;
    let details = &mut draft.details;
    details.smtp_code = event.text("error_code").and_then(|code| smtp::code(&code));
    if let Some(reply) = event.first(&["raw_reason", "reason"]) {
        smtp::reply(details, reply);
    }
    details.user_agent = event.owned("user_agent");
    details.click_url = event.owned("target_link_url");
    // The host to which the message was delivered, or that of the recipient.
    match category {
        "message_event" => details.remote_mta = event.owned("ip_address"),
        _ => details.ip_address = event.text("ip_address").and_then(|ip| ip.parse().ok()),
    }
    draft.tags.extend(event.owned("campaign_id"));
    if let Some(metadata) = event.object("rcpt_meta") {
        draft.metadata = metadata.members().clone();
    }
    Ok(vec![draft])
}

#[cfg(feature = "samples")]
pub(crate) static SAMPLE: &str = r#"[
  {
    "msys": {
      "message_event": {
        "type": "injection",
        "campaign_id": "welcome",
        "event_id": "92356927693813856",
        "message_id": "000443ee14578172be22",
        "rcpt_meta": {"order": "7"},
        "rcpt_to": "ann@example.com",
        "raw_rcpt_to": "ann@example.com",
        "timestamp": "1795800600",
        "transmission_id": "65832150921904138"
      }
    }
  },
  {
    "msys": {
      "message_event": {
        "type": "delivery",
        "campaign_id": "welcome",
        "event_id": "92356927693813857",
        "ip_address": "192.0.2.25",
        "message_id": "000443ee14578172be22",
        "rcpt_meta": {"order": "7"},
        "rcpt_to": "ann@example.com",
        "raw_rcpt_to": "ann@example.com",
        "timestamp": "1795800603",
        "transmission_id": "65832150921904138"
      }
    }
  }
]"#;

#[cfg(feature = "samples")]
pub(crate) fn sign(secret: &str, _: &str, body: &[u8], _: DateTime<Utc>) -> std::result::Result<Sample, KeyError> {
    samples::basic(secret, body)
}
