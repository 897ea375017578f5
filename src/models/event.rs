//! The event: its row and [`NewEvent`]. Events are never updated or deleted.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::attrs::Attrs;
use super::closed_sets::{EventType, RejectReason};
use super::event_details::EventDetails;
use super::full_metadata::FullMetadata;
use super::provider_reference::{ProviderReference, member, usable};
use super::redacted::redacted_debug;
use crate::error::Result;
use crate::idempotency::tenant_idempotency_key;
use crate::schema::mailglass_events;
use crate::validation::{Checks, KEY, MESSAGE_ID, SHORT_TEXT, address, is_recipient, microseconds};

/// The message for a field that holds the recipient's address.
const HOLDS_ADDRESS: &str = "contains the recipient's address, and the ledger can't forget it: put it into details, or call \
                             allow_personal_data";

/// An event in the ledger. Times are UTC, with microseconds.
///
/// It does not implement `AsChangeset`, because the database rejects every change to an event.
#[derive(Clone, PartialEq, Serialize, Queryable, Selectable, Identifiable)]
#[diesel(table_name = mailglass_events, check_for_backend(Pg))]
pub struct Event {
    /// A UUIDv7 that is generated when the event is appended.
    pub id: Uuid,
    /// The tenant that owns the event.
    pub tenant_id: String,
    /// The delivery that the event named or found when it was appended. A later link is kept in `mailglass_event_links`.
    pub delivery_id: Option<Uuid>,
    /// What happened.
    #[serde(rename = "type")]
    pub type_: EventType,
    /// When it happened, by the clock of the system that reports it.
    pub occurred_at: DateTime<Utc>,
    /// Makes the append idempotent.
    pub idempotency_key: Option<String>,
    /// Why it was rejected or bounced.
    pub reject_reason: Option<RejectReason>,
    /// The provider's report, and those of its [details](NewEvent::details) that are not personal.
    pub normalized_payload: Value,
    /// The application's JSON object. Its members `provider` and `provider_message_id` name the provider's message.
    pub metadata: Value,
    /// Correlates the event with the request or job that recorded it.
    pub trace_id: Option<String>,
    /// Whether the event had to wait for its delivery when it was appended. It is never cleared.
    pub needs_reconciliation: bool,
    /// When it was appended, by the server's clock.
    pub inserted_at: DateTime<Utc>,
}

redacted_debug!(Event {
    id, tenant_id, delivery_id, type_, occurred_at, reject_reason, needs_reconciliation, inserted_at,
} hides {
    idempotency_key, normalized_payload, metadata, trace_id,
});

/// An event to be appended to the ledger: see [`ledger::record`](crate::ledger::record).
///
/// ```
/// use mailglass::{EventType, NewEvent};
///
/// let event = NewEvent::new("acme", EventType::Bounced, "2026-11-21T09:30:00Z".parse().unwrap())
///     .provider_message("postmark", "0a129aee-e1cd-480d-b08d-4f48548ff48d")
///     .recipient("ann@example.com")
///     .tenant_idempotency_key("postmark:bounce:4323372036854775807");
/// assert!(event.validate().is_ok());
/// ```
///
/// # Personal data
/// The ledger never changes, so it should hold nothing about a person that may have to be erased. Put what an event says about
/// its recipient into [`details`](Self::details). An event whose payload, metadata, idempotency key or trace id contains the
/// address that it names as its recipient is rejected, unless it [allows](Self::allow_personal_data) that.
#[derive(Clone, PartialEq)]
pub struct NewEvent {
    pub(crate) tenant_id: String,
    pub(crate) delivery_id: Option<Uuid>,
    pub(crate) type_: EventType,
    pub(crate) occurred_at: DateTime<Utc>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) reject_reason: Option<RejectReason>,
    pub(crate) normalized_payload: Value,
    metadata: Value,
    provider: Option<String>,
    provider_message_id: Option<String>,
    recipient: Option<String>,
    details: Option<Box<EventDetails>>,
    personal_data_is_allowed: bool,
    pub(crate) trace_id: Option<String>,
}

redacted_debug!(NewEvent {
    tenant_id, delivery_id, type_, occurred_at, reject_reason, provider, provider_message_id, details,
    personal_data_is_allowed,
} hides {
    idempotency_key, normalized_payload, metadata, recipient, trace_id,
});

impl NewEvent {
    /// An event of a tenant. `occurred_at` is truncated to microseconds, as Postgres stores it. A leap second, such as
    /// `23:59:60.5`, becomes the first instant of the next second, here `00:00:00`.
    pub fn new(tenant_id: impl Into<String>, event_type: EventType, occurred_at: DateTime<Utc>) -> Self {
        NewEvent {
            tenant_id: tenant_id.into(),
            delivery_id: None,
            type_: event_type,
            occurred_at: microseconds(occurred_at),
            idempotency_key: None,
            reject_reason: None,
            normalized_payload: json!({}),
            metadata: json!({}),
            provider: None,
            provider_message_id: None,
            recipient: None,
            details: None,
            personal_data_is_allowed: false,
            trace_id: None,
        }
    }

    /// An event from a JSON object.
    ///
    /// Required: `tenant_id`, `type`, `occurred_at` (RFC 3339). Optional: `delivery_id`, `idempotency_key`, `reject_reason`,
    /// `normalized_payload`, `metadata`, `trace_id`, `provider`, `provider_message_id`, `recipient`, `details` (an object with the
    /// fields of [`EventDetails`]), `allow_personal_data`. An attribute that is null counts as absent.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) with every wrong attribute: missing or unknown ones, wrong types,
    /// unknown labels, and those that [`validate`](Self::validate) reports.
    pub fn from_attrs(attrs: Value) -> Result<Self> {
        let mut attrs = Attrs::new(attrs)?;
        let (tenant_id, event_type) = (attrs.text("tenant_id"), attrs.label("type"));
        let occurred_at = attrs.time("occurred_at");
        let mut event = NewEvent::new(
            attrs.required("tenant_id", tenant_id, String::new()),
            attrs.required("type", event_type, EventType::Unknown),
            attrs.required("occurred_at", occurred_at, DateTime::UNIX_EPOCH),
        );
        event.delivery_id = attrs.uuid("delivery_id");
        event.idempotency_key = attrs.text("idempotency_key");
        event.reject_reason = attrs.label("reject_reason");
        event.trace_id = attrs.text("trace_id");
        event.provider = attrs.text("provider");
        event.provider_message_id = attrs.text("provider_message_id");
        event.recipient = attrs.text("recipient");
        if let Some(details) = attrs.object("details") {
            event = event.details(EventDetails::from_attrs(details, &mut attrs.checks));
        }
        event.personal_data_is_allowed = attrs.boolean("allow_personal_data").unwrap_or_default();
        if let Some(payload) = attrs.object("normalized_payload") {
            event.normalized_payload = payload;
        }
        if let Some(metadata) = attrs.object("metadata") {
            event.metadata = metadata;
        }
        attrs.reject_the_rest(|key| match key {
            "id" | "needs_reconciliation" | "inserted_at" => Some("is set by the ledger"),
            _ => None,
        });
        event.check(&mut attrs.checks);
        attrs.checks.finish().map(|()| event)
    }

    /// The delivery, by id. It need not exist yet: the event is appended, and the [reconciler](crate::reconciler) links it
    /// when the delivery exists.
    #[must_use]
    pub fn delivery(mut self, id: Uuid) -> Self {
        self.delivery_id = Some(id);
        self
    }

    /// The provider's message, which identifies the delivery. It is kept in `metadata`.
    #[must_use]
    pub fn provider_message(mut self, provider: impl Into<String>, provider_message_id: impl Into<String>) -> Self {
        self.provider = Some(provider.into());
        self.provider_message_id = Some(provider_message_id.into());
        self
    }

    /// The recipient, which distinguishes the deliveries of one provider message. Case does not matter.
    ///
    /// It is not kept in the ledger. While the event waits for its delivery, it is kept in the event's link. If the event names
    /// neither a delivery nor a message, it is kept with the [details](Self::details). Both can be erased.
    ///
    /// It must be one bare address, such as `ann@example.com`. Put an address in any other form into
    /// [`EventDetails::other`], where it is not checked.
    #[must_use]
    pub fn recipient(mut self, recipient: impl Into<String>) -> Self {
        self.recipient = Some(recipient.into());
        self
    }

    /// Makes the append idempotent. Derive the key from the provider's report, such as its event id, and prefix it with
    /// the source. It has at most 512 bytes and is unique across all tenants.
    #[must_use]
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// As [`idempotency_key`](Self::idempotency_key), but the key carries the tenant, so that no other tenant can use it first: see
    /// [`tenant_idempotency_key`](crate::tenant_idempotency_key).
    #[must_use]
    pub fn tenant_idempotency_key(mut self, key: impl AsRef<str>) -> Self {
        self.idempotency_key = Some(tenant_idempotency_key(&self.tenant_id, key.as_ref()));
        self
    }

    /// Why it was rejected or bounced.
    #[must_use]
    pub fn reject_reason(mut self, reason: RejectReason) -> Self {
        self.reject_reason = Some(reason);
        self
    }

    /// The application's JSON object.
    #[must_use]
    pub fn metadata(mut self, metadata: Value) -> Self {
        self.metadata = metadata;
        self
    }

    /// What the event says beyond its type: why it bounced, which link was clicked. What is personal is kept apart from the
    /// ledger, in `mailglass_event_details`; the rest becomes part of `normalized_payload`. Replays do not compare what is
    /// personal.
    #[must_use]
    pub fn details(mut self, details: EventDetails) -> Self {
        self.details = (!details.is_empty()).then(|| Box::new(details));
        self
    }

    /// Allows that the ledger holds the recipient's address, which can then never be erased: for importing events that have
    /// it in their payload, and for applications that must prove to whom they wrote.
    #[must_use]
    pub fn allow_personal_data(mut self) -> Self {
        self.personal_data_is_allowed = true;
        self
    }

    /// The provider's report, as a JSON object, without what is [personal](Self::details).
    #[must_use]
    pub fn normalized_payload(mut self, payload: Value) -> Self {
        self.normalized_payload = payload;
        self
    }

    /// Correlates the event with the request or job that records it. A replay may have a different one.
    #[must_use]
    pub fn trace_id(mut self, trace_id: impl Into<String>) -> Self {
        self.trace_id = Some(trace_id.into());
        self
    }

    /// Checks the event without appending it. Appending checks it as well.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) with every wrong field.
    pub fn validate(&self) -> Result<()> {
        Checks::run(|checks| self.check(checks))
    }

    pub(crate) fn check(&self, checks: &mut Checks) {
        checks.text("tenant_id", &self.tenant_id, SHORT_TEXT);
        checks.time("occurred_at", self.occurred_at);
        checks.idempotency_key(&self.tenant_id, self.idempotency_key.as_deref());
        checks.optional_text("trace_id", self.trace_id.as_deref(), KEY);
        checks.optional_text("provider", self.provider.as_deref(), SHORT_TEXT);
        checks.optional_text("provider_message_id", self.provider_message_id.as_deref(), MESSAGE_ID);
        if let Some(recipient) = &self.recipient {
            checks.recipient("recipient", recipient);
        }
        checks.json_object("normalized_payload", &self.normalized_payload);
        checks.json_object("metadata", &self.metadata);
        for (key, field, set) in self.named() {
            let there = self.metadata.get(key).filter(|there| !there.is_null());
            match (there, set) {
                (Some(there), Some(set)) if there != set => {
                    checks.add(key, format!("disagrees with {field}"));
                }
                (Some(Value::String(text)), None) if key == "recipient" => checks.recipient(field, text),
                (Some(Value::String(text)), None) => {
                    let limit = if key == "provider" { SHORT_TEXT } else { MESSAGE_ID };
                    checks.text(field, text, limit);
                }
                (Some(_), None) => checks.add(field, "must be a string"),
                _ => {}
            }
        }
        let in_metadata = member(&self.metadata, "provider_message_id").flatten();
        let named_message = self.provider_message_id.is_some() || in_metadata.is_some();
        checks.message_has_provider(named_message, self.names_provider());
        self.check_details(checks);
        if !self.personal_data_is_allowed {
            self.check_for_address(checks);
        }
    }

    fn check_details(&self, checks: &mut Checks) {
        let Some(details) = &self.details else { return };
        details.check(checks);
        for (name, fact) in details.facts() {
            if self.normalized_payload.get(name).is_some_and(|there| *there != fact) {
                checks.add(
                    &format!("details.{name}"),
                    format!("disagrees with normalized_payload.{name}"),
                );
            }
        }
    }

    fn check_for_address(&self, checks: &mut Checks) {
        // An address that is malformed has its own error, or comes from a provider and is none.
        let Some(address) = self.value("recipient").flatten().filter(|text| is_recipient(text)) else {
            return;
        };
        let in_text = |text: &Option<String>| text.as_ref().is_some_and(|text| address::is_in(address, text));
        let facts = self.details.iter().flat_map(|details| details.facts());
        for (field, holds_address) in [
            (
                "normalized_payload",
                address::is_in_json(address, &self.normalized_payload),
            ),
            ("metadata", address::is_in_json(address, &self.metadata)),
            (
                "details",
                facts.into_iter().any(|(_, fact)| address::is_in_json(address, &fact)),
            ),
            ("idempotency_key", in_text(&self.idempotency_key)),
            ("trace_id", in_text(&self.trace_id)),
        ] {
            if holds_address {
                checks.add(field, HOLDS_ADDRESS);
            }
        }
    }

    /// The provider message that the event names.
    pub(crate) fn reference(&self) -> ProviderReference<'_> {
        ProviderReference::find(|key| self.value(key))
    }

    /// The recipient, if neither a delivery nor a link has it.
    pub(crate) fn only_recipient(&self) -> Option<&str> {
        // Nearly every event names one of these, and is not read any further.
        if self.delivery_id.is_some() || self.provider_message_id.is_some() {
            return None;
        }
        let reference = self.reference();
        let is_resolved = reference.message_id.is_some() || reference.malformed;
        reference.recipient.filter(|_| !is_resolved)
    }

    /// The details that `mailglass_event_details` stores; `None` if there are none.
    pub(crate) fn personal_details(&self) -> Option<Value> {
        let personal = self.details.as_ref()?.personal();
        (!personal.is_empty()).then_some(Value::Object(personal))
    }

    fn names_provider(&self) -> bool {
        self.value("provider").flatten().is_some_and(usable)
    }

    /// The value of a key that identifies the delivery. It is `Some(None)` if it is not a text.
    fn value(&self, key: &str) -> Option<Option<&str>> {
        let set = (self.named().into_iter()).find_map(|(name, _, set)| set.filter(|_| name == key));
        set.map(Some)
            .or_else(|| member(&self.metadata, key))
            .or_else(|| member(&self.normalized_payload, key))
    }

    /// The application's metadata with the values of the setters, which replace those in `metadata`.
    pub(crate) fn full_metadata(&self) -> FullMetadata<'_> {
        FullMetadata {
            metadata: &self.metadata,
            set: [
                ("provider", self.provider.as_deref()),
                ("provider_message_id", self.provider_message_id.as_deref()),
            ],
        }
    }

    /// The application's payload with the details that are not personal.
    pub(crate) fn full_payload(&self) -> Cow<'_, Value> {
        let mut facts = self.details.iter().flat_map(|details| details.facts()).peekable();
        if facts.peek().is_none() {
            return Cow::Borrowed(&self.normalized_payload);
        }
        let mut payload = self.normalized_payload.clone();
        if let Value::Object(members) = &mut payload {
            members.extend(facts.map(|(name, fact)| (name.to_owned(), fact)));
        }
        Cow::Owned(payload)
    }

    /// Moves the full payload out of the event.
    pub(crate) fn take_full_payload(&mut self) -> Value {
        if let Cow::Owned(payload) = self.full_payload() {
            return payload;
        }
        self.normalized_payload.take()
    }

    /// Moves the full metadata out of the event.
    pub(crate) fn take_full_metadata(&mut self) -> Value {
        let mut metadata = self.metadata.take();
        if let Value::Object(members) = &mut metadata {
            for (key, set) in [
                ("provider", self.provider.take()),
                ("provider_message_id", self.provider_message_id.take()),
            ] {
                if let Some(set) = set {
                    members.insert(key.to_owned(), set.into());
                }
            }
        }
        metadata
    }

    /// The setters of what identifies the delivery, and may be in `metadata` as well: the key, the name of the field in errors, and the value.
    fn named(&self) -> [(&'static str, &'static str, Option<&str>); 3] {
        [
            ("provider", "metadata.provider", self.provider.as_deref()),
            (
                "provider_message_id",
                "metadata.provider_message_id",
                self.provider_message_id.as_deref(),
            ),
            ("recipient", "metadata.recipient", self.recipient.as_deref()),
        ]
    }
}
