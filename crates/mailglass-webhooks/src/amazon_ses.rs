//! Amazon SES, over Amazon SNS or EventBridge. A request has one event, of one or more recipients.
//!
//! | Sent by | Verify with |
//! |---|---|
//! | SNS, over HTTPS | [`Topics`]: the signature of SNS, and your topics |
//! | SNS, with raw message delivery | [`Credentials`](crate::Credentials), as nothing is signed |
//! | EventBridge, to an API destination | [`Credentials`](crate::Credentials) with the connection's header or user |
//!
//! SNS sends the user and password of a URL only after an answer with the status 401 and `WWW-Authenticate: Basic realm="…"`.
//!
//! An event of several recipients becomes a report for each, with a key of its own. Opens and clicks do not tell whose they are:
//! SES tracks a message, not a recipient. Send to one recipient a message if you need to know.
//!
//! `mail.messageId` is the `MessageId` that the send API returns, one for all recipients. It is not the `Message-ID` of the
//! header. Message tags are the metadata, without those that SES adds (`ses:…`). The headers `X-Tag` and `X-Metadata` are read
//! as well, if the event has headers.
//!
//! If SNS asks to confirm a subscription, it is [`Received::Confirmation`]: get its URL. With raw message delivery, this request
//! comes in the other form, signed. With [`Topics`], only your topics are confirmed.

use std::collections::HashSet;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use data_encoding::BASE64;
use mailglass::EventType::{
    Bounced, Clicked, Complained, Deferred, Delivered, Failed, Opened, Rejected, Sent, Subscribed, Unknown,
    Unsubscribed,
};
use mailglass::RejectReason as Reason;
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RsaParameters, UnparsedPublicKey,
};
use serde::de::IgnoredAny;
use serde_json::{Map, Value};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

use crate::draft::{Draft, Input, Read};
use crate::fields::Fields;
use crate::key::Key;
use crate::mapping::{self, Facts, Mapping};
use crate::verifier::{Clock, Verifier, any, sealed};
use crate::{Confirmation, KeyError, Provider, Received, Request, Result, VerificationError, smtp};
#[cfg(feature = "samples")]
use crate::{Sample, samples};

pub(crate) static FACTS: Facts = Facts {
    title: "Amazon SES",
    mappings: MAPPINGS,
    message_id: "`mail.messageId`, as `MessageId` in the answer of the send API",
    signature: "SNS: RSA with a certificate of Amazon, SHA-256 or SHA-1; otherwise a credential",
    documentation: "https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html",
    read_on: "2026-11-27",
};

static MAPPINGS: &[Mapping] = &[
    Mapping::new("Send", Sent),
    Mapping::new("Delivery", Delivered),
    Mapping::new("DeliveryDelay", Deferred).soft(),
    Mapping::new("Bounce", Bounced).reason(Reason::Bounced),
    Mapping::new("Bounce", Bounced)
        .kind("Permanent")
        .reason(Reason::Bounced)
        .hard(),
    // The account's list has complaints as well.
    Mapping::new("Bounce", Bounced)
        .kind("Permanent OnAccountSuppressionList")
        .reason(Reason::Bounced),
    Mapping::new("Bounce", Bounced)
        .kind("Transient")
        .reason(Reason::Bounced)
        .soft(),
    // The message is refused, not the address.
    Mapping::new("Bounce", Bounced)
        .kind("Transient MessageTooLarge")
        .reason(Reason::Bounced),
    Mapping::new("Bounce", Bounced)
        .kind("Transient ContentRejected")
        .reason(Reason::Bounced),
    Mapping::new("Bounce", Bounced)
        .kind("Transient AttachmentRejected")
        .reason(Reason::Bounced),
    Mapping::new("Bounce", Bounced)
        .kind("Undetermined")
        .reason(Reason::Bounced),
    Mapping::new("Complaint", Complained).reason(Reason::Spam),
    Mapping::new("Reject", Rejected).reason(Reason::Blocked),
    Mapping::new("Open", Opened),
    Mapping::new("Click", Clicked),
    Mapping::new("Rendering Failure", Failed),
    Mapping::new("Subscription", Unknown),
    Mapping::new("Subscription", Unsubscribed).kind("OptOut"),
    Mapping::new("Subscription", Subscribed).kind("OptIn"),
];

/// Where an event came from.
#[derive(Default)]
struct Envelope {
    /// The same if the request is repeated.
    id: Option<String>,
    /// EventBridge's name of an event that has none itself.
    name: Option<String>,
    sent_at: Option<DateTime<Utc>>,
}

const SUBSCRIPTION: &str = "SubscriptionConfirmation";
const UNSUBSCRIPTION: &str = "UnsubscribeConfirmation";

pub(crate) fn normalize(input: &Input<'_>) -> Result<Vec<Received>> {
    let text = input.text();
    let value: Value = serde_json::from_str(&text).map_err(|error| input.not_json(&error))?;
    let Ok(body) = Fields::new(&value) else {
        return input.one(&text, |event| read(event, &Envelope::default()));
    };
    // The form of SNS has precedence: the members of the others are not signed.
    if let Some(sns_type) = body.text("Type") {
        return match sns_type.as_ref() {
            "Notification" => notification(input, &body),
            SUBSCRIPTION | UNSUBSCRIPTION => confirmation(input, &body, &sns_type),
            other => Err(input.malformed(format!("has the unknown Type `{other}`"))),
        };
    }
    if let (Some(detail), Some(name)) = (body.value("detail"), body.owned("detail-type")) {
        let envelope = Envelope {
            id: body.owned("id"),
            name: Some(name),
            sent_at: body.time("time"),
        };
        return event(input, &detail.to_string(), &envelope);
    }
    let envelope = Envelope {
        id: input.request.text("x-amz-sns-message-id").map(str::to_owned),
        ..Envelope::default()
    };
    event(input, &text, &envelope)
}

fn notification(input: &Input<'_>, body: &Fields<'_>) -> Result<Vec<Received>> {
    let message = body.text("Message").unwrap_or_default();
    if message.starts_with("Successfully validated SNS topic") {
        return Ok(vec![Received::Ping]);
    }
    if serde_json::from_str::<IgnoredAny>(&message).is_err() {
        return Err(input.malformed("has a Message that is not JSON, so it is not an event of SES"));
    }
    let envelope = Envelope {
        id: body.owned("MessageId"),
        name: None,
        sent_at: body.time("Timestamp"),
    };
    event(input, &message, &envelope)
}

fn confirmation(input: &Input<'_>, body: &Fields<'_>, kind: &str) -> Result<Vec<Received>> {
    let url = body.owned("SubscribeURL").unwrap_or_default();
    if sns_path(&url).is_none() || !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(input.malformed("has a SubscribeURL that is not one of Amazon SNS"));
    }
    Ok(vec![Received::Confirmation(Confirmation {
        kind: kind.to_owned(),
        topic: body.owned("TopicArn").unwrap_or_default(),
        url,
    })])
}

#[derive(Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Kind {
    event_type: Option<String>,
    notification_type: Option<String>,
}

fn event(input: &Input<'_>, text: &str, envelope: &Envelope) -> Result<Vec<Received>> {
    let kind: Kind = serde_json::from_str(text).unwrap_or_default();
    match kind.event_type.or(kind.notification_type).as_deref() {
        Some("Received") => Err(input.inbound("Received")),
        Some("AmazonSnsSubscriptionSucceeded") => Ok(vec![Received::Ping]),
        _ => input.one(text, |event| read(event, envelope)),
    }
}

fn read(event: &Fields<'_>, envelope: &Envelope) -> Read {
    let name = event
        .first(&["eventType", "notificationType"])
        .or_else(|| envelope.name.clone());
    let name = name.ok_or_else(|| event.wrong("eventType", "is missing"))?;
    let part = event.object(match name.as_str() {
        "Send" => "send",
        "Delivery" => "delivery",
        "DeliveryDelay" => "deliveryDelay",
        "Bounce" => "bounce",
        "Complaint" => "complaint",
        "Reject" => "reject",
        "Open" => "open",
        "Click" => "click",
        "Rendering Failure" => "failure",
        "Subscription" => "subscription",
        _ => "",
    });
    let mail = event.object("mail");
    let of_mail = |field: &str| mail.as_ref().and_then(|mail| mail.owned(field));
    let of_part = |field: &str| part.as_ref().and_then(|part| part.owned(field));
    let occurred_at = time_of(&name, part.as_ref(), mail.as_ref(), envelope)
        .ok_or_else(|| event.wrong("timestamp", "is missing or not a time"))?;
    let message_id = of_mail("messageId");
    let kind = kind_of(&name, part.as_ref());
    let mapping = mapping::find(MAPPINGS, &name, &kind);
    let (tags, metadata) = mail.as_ref().map(tags_of).unwrap_or_default();

    let draft = |(index, recipient): (usize, Recipient)| {
        let key = match &envelope.id {
            Some(id) => Key::Id(format!("{id}:{index}")),
            None => Key::parts([
                name.clone(),
                message_id.clone().unwrap_or_default(),
                recipient.address.clone().unwrap_or_default(),
                occurred_at.to_rfc3339(),
                of_part("feedbackId").or_else(|| of_part("link")).unwrap_or_default(),
            ]),
        };
        let mut draft = Draft::new(mapping, name.clone(), occurred_at, key);
        draft.message_id = message_id.clone();
        draft.recipient = recipient.address;
        draft.tags = tags.clone();
        draft.metadata = metadata.clone();
        let details = &mut draft.details;
        details.description = match name.as_str() {
            "Bounce" => of_part("bounceType").map(|kind| match of_part("bounceSubType") {
                Some(subtype) => format!("{kind}: {subtype}"),
                None => kind,
            }),
            "Complaint" => of_part("complaintFeedbackType").or_else(|| of_part("complaintSubType")),
            "DeliveryDelay" => of_part("delayType"),
            "Rendering Failure" => of_part("errorMessage"),
            _ => of_part("reason"),
        };
        details.remote_mta = of_part("remoteMtaIp");
        details.user_agent = of_part("userAgent");
        details.ip_address = of_part("ipAddress").and_then(|ip| ip.parse().ok());
        details.click_url = of_part("link");
        details.enhanced_status = recipient.status.as_deref().and_then(smtp::status);
        if let Some(reply) = recipient.reply.or_else(|| of_part("smtpResponse")) {
            smtp::reply(details, reply);
        }
        draft
    };
    let recipients = recipients_of(&name, part.as_ref(), mail.as_ref());
    if recipients.len() > MAX_RECIPIENTS {
        return Err(event.wrong("recipients", "are more than a message may have"));
    }
    Ok(recipients.into_iter().enumerate().map(draft).collect())
}

/// SES sends a message to at most 50 recipients. Each of their reports has a copy of the tags.
const MAX_RECIPIENTS: usize = 100;

/// The time of the event. Those without one of their own happen when the message is sent, or shortly after.
fn time_of(
    name: &str,
    part: Option<&Fields<'_>>,
    mail: Option<&Fields<'_>>,
    envelope: &Envelope,
) -> Option<DateTime<Utc>> {
    let of_mail = || mail.and_then(|mail| mail.time("timestamp"));
    match part.filter(|part| part.value("timestamp").is_some()) {
        Some(part) => part.time("timestamp"),
        None if name == "Send" => of_mail().or(envelope.sent_at),
        None if matches!(name, "Reject" | "Rendering Failure") => envelope.sent_at.or_else(of_mail),
        None => envelope.sent_at,
    }
}

fn kind_of(name: &str, part: Option<&Fields<'_>>) -> String {
    let of_part = |field: &str| part.and_then(|part| part.text(field)).unwrap_or_default();
    match name {
        "Bounce" => {
            let exact = format!("{} {}", of_part("bounceType"), of_part("bounceSubType"));
            if MAPPINGS.iter().any(|mapping| mapping.kind == exact) {
                exact
            } else {
                of_part("bounceType").into_owned()
            }
        }
        "Subscription" => part.map(subscription_kind).unwrap_or_default().to_owned(),
        _ => String::new(),
    }
}

/// Whether the recipient has left a topic or all of them, or else joined one.
fn subscription_kind(part: &Fields<'_>) -> &'static str {
    let all = |preferences: &str| {
        let preferences = part.object(preferences)?;
        preferences.boolean("unsubscribeAll")
    };
    let topics = |preferences: &str| -> HashSet<(String, String)> {
        let preferences = part.object(preferences);
        let topics = preferences
            .as_ref()
            .map_or(&[][..], |preferences| preferences.list("topicSubscriptionStatus"));
        let pair = |topic: &Value| {
            let topic = Fields::new(topic).ok()?;
            Some((topic.owned("topicName")?, topic.owned("subscriptionStatus")?))
        };
        topics.iter().filter_map(pair).collect()
    };
    let (old, new) = (topics("oldTopicPreferences"), topics("newTopicPreferences"));
    let changed_to = |status: &str| {
        new.iter()
            .any(|topic| topic.1.eq_ignore_ascii_case(status) && !old.contains(topic))
    };
    match (all("oldTopicPreferences"), all("newTopicPreferences")) {
        (old, Some(true)) if old != Some(true) => "OptOut",
        _ if changed_to("OptOut") => "OptOut",
        (Some(true), Some(false)) => "OptIn",
        _ if changed_to("OptIn") => "OptIn",
        _ => "",
    }
}

#[derive(Default)]
struct Recipient {
    address: Option<String>,
    status: Option<String>,
    reply: Option<String>,
}

/// The recipients of the event: those that it names, or all of the message.
fn recipients_of(name: &str, part: Option<&Fields<'_>>, mail: Option<&Fields<'_>>) -> Vec<Recipient> {
    let of_part = |list: &str| part.map_or(&[][..], |part| part.list(list));
    let recipients = match name {
        "Bounce" => of_part("bouncedRecipients"),
        "Complaint" => of_part("complainedRecipients"),
        "DeliveryDelay" => of_part("delayedRecipients"),
        "Delivery" => of_part("recipients"),
        _ => mail.map_or(&[][..], |mail| mail.list("destination")),
    };
    if recipients.is_empty() {
        return vec![Recipient::default()];
    }
    let recipient = |value: &Value| match Fields::new(value) {
        Ok(recipient) => Recipient {
            address: recipient.owned("emailAddress"),
            status: recipient.owned("status"),
            reply: recipient.owned("diagnosticCode"),
        },
        Err(_) => Recipient {
            address: value.as_str().map(str::to_owned),
            ..Recipient::default()
        },
    };
    recipients.iter().map(recipient).collect()
}

/// The tags and metadata: the message tags, and what the headers carry.
fn tags_of(mail: &Fields<'_>) -> (Vec<String>, Map<String, Value>) {
    let mut tags = Vec::new();
    let mut metadata = Map::new();
    for header in mail
        .list("headers")
        .iter()
        .filter_map(|header| Fields::new(header).ok())
    {
        let (Some(name), Some(value)) = (header.text("name"), header.text("value")) else {
            continue;
        };
        if name.eq_ignore_ascii_case("X-Tag") {
            tags.push(value.into_owned());
        } else if name.eq_ignore_ascii_case("X-Metadata")
            && let Ok(Value::Object(object)) = serde_json::from_str(&value)
        {
            metadata.extend(object);
        }
    }
    if let Some(message_tags) = mail.object("tags") {
        let own = message_tags
            .members()
            .iter()
            .filter(|(name, _)| !name.starts_with("ses:"));
        metadata.extend(own.map(|(name, values)| {
            // Each tag is a list, with one value.
            let value = match values.as_array().map(Vec::as_slice) {
                Some([only]) => only,
                _ => values,
            };
            (name.clone(), value.clone())
        }));
    }
    (tags, metadata)
}

/// The path and query of a URL of Amazon SNS, without the slash: `https://sns.<region>.amazonaws.com/…`.
fn sns_path(url: &str) -> Option<&str> {
    let (host, path) = url.strip_prefix("https://")?.split_once('/')?;
    let region = host.strip_prefix("sns.")?;
    let region = region
        .strip_suffix(".amazonaws.com")
        .or_else(|| region.strip_suffix(".amazonaws.com.cn"))?;
    let is_region = !region.is_empty()
        && region
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    is_region.then_some(path)
}

fn is_certificate_url(url: &str) -> bool {
    let id = sns_path(url)
        .and_then(|path| path.strip_prefix("SimpleNotificationService-"))
        .and_then(|path| path.strip_suffix(".pem"));
    id.is_some_and(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// The URL of the certificate with which a request of SNS is signed. It is one of Amazon SNS: its scheme, host and path are
/// checked. Fetch it before [`receive`](crate::Webhook::receive) if your HTTP client is asynchronous, and keep it: it is used
/// for months.
///
/// # Errors
/// The request has no such URL, or it is not one of Amazon SNS.
pub fn certificate_url(request: &Request<'_>) -> std::result::Result<String, VerificationError> {
    let value = parsed(request)?;
    let body = Fields::new(&value).map_err(|_| VerificationError::Malformed("the body"))?;
    certificate_url_of(&body)
}

fn certificate_url_of(body: &Fields<'_>) -> std::result::Result<String, VerificationError> {
    let url = body
        .owned("SigningCertURL")
        .ok_or(VerificationError::Missing("SigningCertURL in its body"))?;
    if is_certificate_url(&url) {
        Ok(url)
    } else {
        Err(VerificationError::ForeignCertificate(printable(url)))
    }
}

/// What nobody has verified, for an error: not longer than an ARN or a URL of SNS.
fn printable(text: String) -> String {
    text.chars().take(400).collect()
}

fn parsed(request: &Request<'_>) -> std::result::Result<Value, VerificationError> {
    serde_json::from_str(&String::from_utf8_lossy(request.body())).map_err(|_| VerificationError::Malformed("the body"))
}

/// Why a certificate could not be fetched.
type FetchError = Box<dyn Error + Send + Sync>;
type Fetch = dyn Fn(&str) -> std::result::Result<Vec<u8>, FetchError> + Send + Sync;

/// The topics of Amazon SNS whose messages are accepted, by their ARN. SNS signs for everybody, also for somebody else's topic.
///
/// The signature is verified with the certificate of SNS, as PEM: given, or fetched by your function. The signature version 2
/// uses SHA-256, and version 1, the default of a topic, SHA-1: set `SignatureVersion` of the topic to 2.
///
/// The default tolerance is 65 minutes: SNS repeats a request to an HTTPS endpoint for an hour at most, with the time at which
/// the message was published.
///
/// ```
/// use mailglass_webhooks::{Webhook, amazon_ses};
///
/// # fn get_from_cache_or_fetch(url: &str) -> Result<Vec<u8>, std::io::Error> { Ok(Vec::new()) }
/// let topics = ["arn:aws:sns:eu-central-1:123456789012:ses-events"];
/// let topics = amazon_ses::Topics::fetching(topics, |url| Ok(get_from_cache_or_fetch(url)?))?;
/// let webhook = Webhook::new("acme", topics);
/// # Ok::<(), mailglass_webhooks::KeyError>(())
/// ```
pub struct Topics {
    topics: Vec<String>,
    certificates: Certificates,
}

enum Certificates {
    Given(Vec<Certificate>),
    Fetched(Box<Fetch>),
}

const DEFAULT_TOLERANCE: Duration = Duration::from_secs(65 * 60);

impl Topics {
    /// Accepts messages of these topics that are signed with one of these certificates. SNS changes its certificate about once
    /// a year, so prefer [`fetching`](Self::fetching).
    ///
    /// # Errors
    /// There is no topic or no certificate, a topic is not an ARN of SNS, or a certificate is not PEM.
    pub fn with_certificates(
        topics: impl IntoIterator<Item = impl Into<String>>,
        certificates: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> std::result::Result<Self, KeyError> {
        let certificates = certificates.into_iter().map(|pem| {
            certificate(pem.as_ref()).ok_or(KeyError::Malformed {
                what: "the certificate",
                message: "must be PEM",
            })
        });
        let certificates: Vec<_> = certificates.collect::<std::result::Result<_, _>>()?;
        if certificates.is_empty() {
            return Err(KeyError::None("certificate"));
        }
        Self::new(topics, Certificates::Given(certificates))
    }

    /// Accepts messages of these topics, with the certificate that `fetch` gets from a URL, as PEM. The URL was checked: it is one
    /// of Amazon SNS. `fetch` is called for each request that names one of the topics, so let it keep what it has fetched. It
    /// must verify the certificate of the host, as HTTP clients do, and follow no redirect to another.
    ///
    /// If it fails, the error is [`VerificationError::CertificateUnavailable`], and SNS should try again.
    ///
    /// # Errors
    /// There is no topic, or one is not an ARN of SNS.
    pub fn fetching(
        topics: impl IntoIterator<Item = impl Into<String>>,
        fetch: impl Fn(&str) -> std::result::Result<Vec<u8>, Box<dyn Error + Send + Sync>> + Send + Sync + 'static,
    ) -> std::result::Result<Self, KeyError> {
        Self::new(topics, Certificates::Fetched(Box::new(fetch)))
    }

    fn new(
        topics: impl IntoIterator<Item = impl Into<String>>,
        certificates: Certificates,
    ) -> std::result::Result<Self, KeyError> {
        let topics: Vec<String> = topics.into_iter().map(Into::into).collect();
        if topics.is_empty() {
            return Err(KeyError::None("topic"));
        }
        let is_arn = |topic: &String| {
            let parts: Vec<&str> = topic.split(':').collect();
            matches!(parts[..], ["arn", _, "sns", _, _, name] if !name.is_empty() && name != "*")
        };
        if !topics.iter().all(is_arn) {
            return Err(KeyError::Malformed {
                what: "the topic",
                message: "must be an ARN such as `arn:aws:sns:eu-central-1:123456789012:ses-events`",
            });
        }
        Ok(Topics { topics, certificates })
    }
}

impl fmt::Debug for Topics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Topics")
            .field("topics", &self.topics)
            .finish_non_exhaustive()
    }
}

/// The first certificate of a PEM file. `Certificate::load_pem_chain` panics if there is none (x509-cert 0.2.5).
fn certificate(pem: &[u8]) -> Option<Certificate> {
    let (_, start) = std::str::from_utf8(pem)
        .ok()?
        .split_once("-----BEGIN CERTIFICATE-----")?;
    let (text, _) = start.split_once("-----END CERTIFICATE-----")?;
    let text: String = text.split_ascii_whitespace().collect();
    Certificate::from_der(&BASE64.decode(text.as_bytes()).ok()?).ok()
}

fn is_valid(certificate: &Certificate, now: DateTime<Utc>) -> bool {
    let validity = &certificate.tbs_certificate.validity;
    let Ok(now) = u64::try_from(now.timestamp()) else {
        return false;
    };
    let now = Duration::from_secs(now);
    validity.not_before.to_unix_duration() <= now && now <= validity.not_after.to_unix_duration()
}

/// What SNS signs: the names and values of these members, each on a line.
fn signed_text(body: &Fields<'_>) -> std::result::Result<String, VerificationError> {
    const NOTIFICATION: &[&str] = &["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"];
    const CONFIRMATION: &[&str] = &[
        "Message",
        "MessageId",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ];
    let missing = |name: &&str| {
        VerificationError::Missing(match *name {
            "Type" => "Type in its body",
            _ => "member that is signed in its body",
        })
    };
    let names = match body.text("Type").ok_or_else(|| missing(&"Type"))?.as_ref() {
        "Notification" => NOTIFICATION,
        SUBSCRIPTION | UNSUBSCRIPTION => CONFIRMATION,
        _ => return Err(VerificationError::Malformed("the type of the message")),
    };
    let mut text = String::new();
    for name in names {
        match body.text(name) {
            // A line of its own could stand for another member, with the same signature.
            Some(value) if *name != "Message" && value.contains('\n') => {
                return Err(VerificationError::Malformed("a signed member of its body"));
            }
            Some(value) => text.extend([name, "\n", &value, "\n"]),
            None if *name == "Subject" => {}
            None => return Err(missing(name)),
        }
    }
    Ok(text)
}

impl sealed::Verify for Topics {
    fn verify(&self, request: &Request<'_>, clock: &Clock) -> std::result::Result<(), VerificationError> {
        let value = parsed(request)?;
        let body = Fields::new(&value).map_err(|_| VerificationError::Malformed("the body"))?;
        let text = signed_text(&body)?;
        let signature = body
            .text("Signature")
            .ok_or(VerificationError::Missing("Signature in its body"))?;
        let signature = BASE64
            .decode(signature.as_bytes())
            .map_err(|_| VerificationError::Malformed("the signature"))?;
        let algorithm: &RsaParameters = match body.text("SignatureVersion").as_deref() {
            Some("1") => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            Some("2") => &RSA_PKCS1_2048_8192_SHA256,
            Some(_) => return Err(VerificationError::Malformed("the signature's version")),
            None => return Err(VerificationError::Missing("SignatureVersion in its body")),
        };
        // No certificate is fetched for the topics of others.
        let topic = body.owned("TopicArn").unwrap_or_default();
        if !self.topics.contains(&topic) {
            let what = "the topic";
            let value = printable(topic);
            return Err(VerificationError::NotAllowed { what, value });
        }
        let fetched;
        let certificates = match &self.certificates {
            Certificates::Given(certificates) => certificates,
            Certificates::Fetched(fetch) => {
                let url = certificate_url_of(&body)?;
                let pem = fetch(&url).map_err(VerificationError::CertificateUnavailable)?;
                let certificate = certificate(&pem).ok_or(VerificationError::Certificate("is not PEM"))?;
                fetched = vec![certificate];
                &fetched
            }
        };
        let valid: Vec<_> = certificates
            .iter()
            .filter(|certificate| is_valid(certificate, clock.now))
            .collect();
        if valid.is_empty() {
            return Err(VerificationError::Certificate("is not valid at this time"));
        }
        any(&valid, "the signature", |certificate| {
            let key = &certificate.tbs_certificate.subject_public_key_info.subject_public_key;
            let key = UnparsedPublicKey::new(algorithm, key.raw_bytes());
            key.verify(text.as_bytes(), &signature).is_ok()
        })?;
        let signed_at = body
            .time("Timestamp")
            .ok_or(VerificationError::Malformed("the timestamp"))?;
        clock.check(signed_at, DEFAULT_TOLERANCE)
    }
}

impl Verifier for Topics {
    fn provider(&self) -> Provider {
        Provider::AmazonSes
    }
}

#[cfg(feature = "samples")]
pub(crate) static SAMPLE: &str = r#"{
  "Type": "Notification",
  "MessageId": "6c1f0d3a-52be-5e0f-9a47-0d8b1e7c2f64",
  "TopicArn": "arn:aws:sns:eu-central-1:123456789012:ses-events",
  "Subject": "Amazon SES Email Event Notification",
  "Message": "{\"eventType\":\"Delivery\",\"mail\":{\"timestamp\":\"2026-11-05T16:33:51.120Z\",\"source\":\"shop@example.com\",\"messageId\":\"0107018c4d2a1b3e-5f6a7b8c-9d0e-4f1a-8b2c-3d4e5f6a7b8c-000000\",\"destination\":[\"ann@example.com\"],\"tags\":{\"order\":[\"1043\"]}},\"delivery\":{\"timestamp\":\"2026-11-05T16:33:54.907Z\",\"processingTimeMillis\":3787,\"recipients\":[\"ann@example.com\"],\"smtpResponse\":\"250 2.6.0 Message received\",\"reportingMTA\":\"a1-2.smtp-out.eu-central-1.amazonses.com\",\"remoteMtaIp\":\"203.0.113.25\"}}",
  "Timestamp": "2026-11-05T16:33:55.012Z",
  "SignatureVersion": "2",
  "Signature": "",
  "SigningCertURL": "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem",
  "UnsubscribeURL": "https://sns.eu-central-1.amazonaws.com/?Action=Unsubscribe"
}"#;

/// Signs now, with SHA-256 (version 2). An event without an envelope is put into that of the sample.
#[cfg(feature = "samples")]
pub(crate) fn sign(secret: &str, _: &str, body: &[u8], now: DateTime<Utc>) -> std::result::Result<Sample, KeyError> {
    use chrono::SecondsFormat;

    let key = samples::rsa_key(secret)?;
    let mut request = samples::parse(body)?;
    if request.get("Type").is_none() {
        let event = request.to_string();
        request = samples::parse(SAMPLE.as_bytes())?;
        request["MessageId"] = sample_id(&event).into();
        request["Message"] = event.into();
    }
    request["Timestamp"] = now.to_rfc3339_opts(SecondsFormat::Millis, true).into();
    request["SignatureVersion"] = "2".into();
    let text = Fields::new(&request).ok().and_then(|body| signed_text(&body).ok());
    let text = text.ok_or(KeyError::Malformed {
        what: "the body",
        message: "must be a message of SNS or an event of SES",
    })?;
    request["Signature"] = samples::rsa_sha256(&key, text.as_bytes())?.into();
    let header = |name: &str| request[name].as_str().unwrap_or_default().to_owned();
    Ok(Sample::json(request.to_string().as_bytes())
        .header("x-amz-sns-message-type", header("Type"))
        .header("x-amz-sns-message-id", header("MessageId"))
        .header("x-amz-sns-topic-arn", header("TopicArn")))
}

/// The same for the same event.
#[cfg(feature = "samples")]
fn sample_id(event: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, event.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_ref()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}
