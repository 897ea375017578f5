//! From the elements of a request to reports.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use mailglass::{EventDetails, EventType, MAX_DETAIL_BYTES, NewEvent, RejectReason, tenant_idempotency_key};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::fields::{Fields, Wrong};
use crate::key::Key;
use crate::mapping::Mapping;
use crate::webhook::MAX_EVENTS;
use crate::{DELIVERY_ID, Error, Provider, Received, Report, Request, Result, Unreadable};

/// A verified request, and whose it is.
pub(crate) struct Input<'a> {
    pub(crate) provider: Provider,
    pub(crate) tenant_id: &'a str,
    pub(crate) request: &'a Request<'a>,
}

/// A report that is not checked yet.
pub(crate) struct Draft {
    pub(crate) event_type: EventType,
    pub(crate) reported: String,
    /// The kind of the mapping, so that it is one of the provider's words.
    pub(crate) kind: &'static str,
    pub(crate) occurred_at: DateTime<Utc>,
    pub(crate) key: Key,
    pub(crate) recipient: Option<String>,
    pub(crate) message_id: Option<String>,
    pub(crate) reject_reason: Option<RejectReason>,
    pub(crate) details: EventDetails,
    pub(crate) tags: Vec<String>,
    pub(crate) metadata: Map<String, Value>,
}

impl Draft {
    /// A report of an event with this mapping. Without one, it is unknown.
    pub(crate) fn new(
        mapping: Option<&'static Mapping>,
        reported: impl Into<String>,
        occurred_at: DateTime<Utc>,
        key: Key,
    ) -> Self {
        Draft {
            event_type: mapping.map_or(EventType::Unknown, |mapping| mapping.event_type),
            reported: reported.into(),
            kind: mapping.map_or("", |mapping| mapping.kind),
            occurred_at,
            key,
            recipient: None,
            message_id: None,
            reject_reason: mapping.and_then(|mapping| mapping.reject_reason),
            details: EventDetails {
                permanent: mapping.and_then(|mapping| mapping.permanent),
                ..EventDetails::default()
            },
            tags: Vec::new(),
            metadata: Map::new(),
        }
    }
}

/// What an element of a request holds.
pub(crate) type Read = std::result::Result<Vec<Draft>, Wrong>;

impl<'a> Input<'a> {
    /// The body as text. Bytes that are not UTF-8 are replaced, so that one of them does not lose the other events.
    pub(crate) fn text(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.request.body())
    }

    pub(crate) fn malformed(&self, message: impl ToString) -> Error {
        Error::Malformed {
            provider: self.provider,
            message: message.to_string(),
        }
    }

    pub(crate) fn inbound(&self, event: impl Into<String>) -> Error {
        Error::Inbound {
            provider: self.provider,
            event: event.into(),
        }
    }

    /// Reads a body, or a part of it, that is one element.
    pub(crate) fn one(&self, text: &str, read: impl Fn(&Fields<'_>) -> Read) -> Result<Vec<Received>> {
        let raw: &RawValue = serde_json::from_str(text).map_err(|error| self.not_json(&error))?;
        Ok(self.element(0, raw, &read))
    }

    /// Reads a body, or a part of it, that is a list. Each element is parsed by itself.
    pub(crate) fn each(&self, text: &str, read: impl Fn(&Fields<'_>) -> Read) -> Result<Vec<Received>> {
        let elements: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| self.not_json(&error))?;
        self.elements(&elements, read)
    }

    /// Reads elements that are parts of the body.
    pub(crate) fn elements(&self, elements: &[&RawValue], read: impl Fn(&Fields<'_>) -> Read) -> Result<Vec<Received>> {
        self.check_count(elements.len())?;
        let mut received = Vec::with_capacity(elements.len());
        for (index, raw) in elements.iter().enumerate() {
            received.extend(self.element(index, raw, &read));
        }
        Ok(received)
    }

    /// Reads a body that has an element on each line.
    pub(crate) fn lines(&self, text: &str, read: impl Fn(&Fields<'_>) -> Read) -> Result<Vec<Received>> {
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        self.check_count(lines.len())?;
        let mut received = Vec::with_capacity(lines.len());
        for (index, line) in lines.into_iter().enumerate() {
            match serde_json::from_str(line) {
                Ok(raw) => received.extend(self.element(index, raw, &read)),
                Err(_) => received.push(Received::Unreadable(Unreadable {
                    index,
                    message: "the line is not JSON".to_owned(),
                    text: shortened(line),
                })),
            }
        }
        Ok(received)
    }

    fn check_count(&self, size: usize) -> Result<()> {
        if size > MAX_EVENTS {
            return Err(Error::TooLarge {
                provider: self.provider,
                size,
                unit: "events",
                limit: MAX_EVENTS,
            });
        }
        Ok(())
    }

    /// The message has no part of the body.
    pub(crate) fn not_json(&self, error: &serde_json::Error) -> Error {
        let what = match error.classify() {
            serde_json::error::Category::Data => "is JSON of another type",
            _ => "is not JSON",
        };
        self.malformed(format!("{what} (line {}, column {})", error.line(), error.column()))
    }

    fn element(&self, index: usize, raw: &RawValue, read: &impl Fn(&Fields<'_>) -> Read) -> Vec<Received> {
        let unreadable = |message: String| {
            vec![Received::Unreadable(Unreadable {
                index,
                message,
                text: shortened(raw.get()),
            })]
        };
        let value: Value = match serde_json::from_str(raw.get()) {
            Ok(value) => value,
            Err(_) => return unreadable("the element is not valid JSON, or is nested too deeply".to_owned()),
        };
        let drafts = match Fields::new(&value).and_then(|fields| read(&fields)) {
            Ok(drafts) => drafts,
            Err(wrong) => return unreadable(wrong.to_string()),
        };
        if drafts.is_empty() {
            return vec![Received::Ping];
        }
        let finished = drafts.into_iter().map(|draft| match self.finish(draft, &value) {
            Ok(report) => Received::Report(Box::new(report)),
            Err(message) => Received::Unreadable(Unreadable {
                index,
                message,
                text: shortened(raw.get()),
            }),
        });
        finished.collect()
    }

    /// Makes a report that mailglass accepts. An event that is unknown keeps what was reported.
    fn finish(&self, draft: Draft, reported: &Value) -> std::result::Result<Report, String> {
        let delivery_id = delivery_id(&draft);
        let mut details = draft.details;
        for text in [
            &mut details.enhanced_status,
            &mut details.remote_mta,
            &mut details.description,
            &mut details.mta_response,
            &mut details.user_agent,
            &mut details.click_url,
        ] {
            if let Some(long) = text.take().filter(|text| !text.trim().is_empty()) {
                *text = Some(if is_storable(&long) { long } else { shortened(&long) });
            }
        }
        if draft.event_type == EventType::Unknown && details.other.is_none() {
            details.other = Some(reported.clone());
        }
        let mut report = Report {
            tenant_id: self.tenant_id.to_owned(),
            provider: self.provider,
            event_type: draft.event_type,
            reported: shortened(&draft.reported),
            kind: draft.kind,
            occurred_at: draft.occurred_at,
            recipient: draft
                .recipient
                .as_deref()
                .map(bare)
                .filter(|text| !text.is_empty())
                .map(str::to_owned),
            provider_message_id: draft.message_id.filter(|id| !id.trim().is_empty()),
            idempotency_key: tenant_idempotency_key(self.tenant_id, &draft.key.text(self.provider.name())),
            reject_reason: draft.reject_reason,
            details,
            tags: draft.tags,
            metadata: draft.metadata,
            delivery_id,
        };
        // Each repair removes its cause, so the loop ends.
        loop {
            let Err(error) = NewEvent::from(&report).validate() else {
                return Ok(report);
            };
            let wrong = |field: &str| match &error {
                mailglass::Error::Invalid(invalid) => invalid.contains(field),
                _ => false,
            };
            if wrong("recipient") && report.recipient.is_some() {
                let recipient = report.recipient.take().map(|text| shortened(&text));
                let other = report.details.other.get_or_insert_with(|| json!({}));
                if let Some(other) = other.as_object_mut() {
                    other.insert("recipient".to_owned(), json!(recipient));
                }
            } else if wrong("details.other") && report.details.other.as_ref().is_some_and(|other| !is_text(other)) {
                report.details.other = Some(json!({ "text": shortened(&reported.to_string()) }));
            } else {
                return Err(error.to_string());
            }
        }
    }
}

/// Whether it is the text of an element that could not be kept as JSON.
fn is_text(other: &Value) -> bool {
    other
        .as_object()
        .is_some_and(|other| other.len() == 1 && other.contains_key("text"))
}

fn delivery_id(draft: &Draft) -> Option<Uuid> {
    let in_metadata = draft.metadata.get(DELIVERY_ID).and_then(Value::as_str);
    // A provider whose custom argument is one text, or whose tags have no names.
    let named = || {
        let texts = draft.metadata.values().filter_map(Value::as_str);
        let mut texts = texts.chain(draft.tags.iter().map(String::as_str));
        texts.find_map(|text| text.strip_prefix(DELIVERY_ID)?.strip_prefix(':'))
    };
    in_metadata.or_else(named)?.trim().parse().ok()
}

/// The address in `Ann <ann@example.com>`.
fn bare(recipient: &str) -> &str {
    let recipient = recipient.trim();
    match recipient.strip_suffix('>').and_then(|start| start.rsplit_once('<')) {
        Some((_, address)) => address.trim(),
        None => recipient,
    }
}

fn is_storable(text: &str) -> bool {
    text.len() <= MAX_DETAIL_BYTES && !text.contains('\0')
}

/// A text that can be stored: without NUL, and with at most as many bytes as a detail may have.
fn shortened(text: &str) -> String {
    let mut end = text.len().min(MAX_DETAIL_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].replace('\0', " ")
}
