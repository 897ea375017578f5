//! The delivery: its row, [`NewDelivery`] and [`DeliveryChanges`].

use chrono::{DateTime, Utc};
use diesel::dsl::AsSelect;
use diesel::pg::Pg;
use diesel::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::attrs::Attrs;
use super::closed_sets::{DeliveryStatus, EventType, Stream};
use super::redacted::redacted_debug;
use crate::error::{Error, Result};
use crate::idempotency::tenant_idempotency_key;
use crate::schema::mailglass_deliveries;
use crate::suppressions::Suppress;
use crate::validation::{Checks, MESSAGE_ID, SHORT_TEXT, domain_of, microseconds};

/// The projection columns, in the order of [`Projection`](crate::projection::Projection).
pub(crate) const PROJECTION: [&str; 9] = [
    "last_event_type",
    "last_event_at",
    "terminal",
    "dispatched_at",
    "delivered_at",
    "bounced_at",
    "complained_at",
    "suppressed_at",
    "status",
];

/// One message to one recipient through one provider, and its current state. Times are UTC, with microseconds.
///
/// The columns from `last_event_type` to `suppressed_at`, and `status`, are the [projection](crate::projection) of the
/// delivery's events. Applications never write them.
#[derive(Clone, PartialEq, Serialize, Queryable, Selectable, Identifiable)]
#[diesel(table_name = mailglass_deliveries, check_for_backend(Pg))]
pub struct Delivery {
    /// A UUIDv7 that the client generates, unless [`NewDelivery::id`] set another id.
    pub id: Uuid,
    /// The tenant that owns the delivery.
    pub tenant_id: String,
    /// The application's name for this kind of message, such as `welcome`.
    pub mailable: String,
    /// The purpose of the message.
    pub stream: Stream,
    /// The bare address, exactly as given.
    pub recipient: String,
    /// The part of the recipient after its last `@`, with ASCII letters in lower case.
    pub recipient_domain: String,
    /// The provider that accepted the message.
    pub provider: Option<String>,
    /// The provider's id of the message.
    pub provider_message_id: Option<String>,
    /// Projection: the type of the last event.
    pub last_event_type: EventType,
    /// Projection: when the last event occurred.
    pub last_event_at: DateTime<Utc>,
    /// Projection: whether any event was terminal.
    pub terminal: bool,
    /// Projection: when it was first dispatched.
    pub dispatched_at: Option<DateTime<Utc>>,
    /// Projection: when it was first delivered.
    pub delivered_at: Option<DateTime<Utc>>,
    /// Projection: when it first bounced.
    pub bounced_at: Option<DateTime<Utc>>,
    /// Projection: when the recipient first complained.
    pub complained_at: Option<DateTime<Utc>>,
    /// Projection: when it was first suppressed.
    pub suppressed_at: Option<DateTime<Utc>>,
    /// The application's JSON object.
    pub metadata: Value,
    /// 1 for a new row, incremented by every change. [`update`](Delivery::update) checks it.
    pub lock_version: i32,
    /// Makes the insert idempotent.
    pub idempotency_key: Option<String>,
    /// Projection: the highest status that any event reached.
    pub status: DeliveryStatus,
    /// The error of the last failed attempt to send.
    pub last_error: Option<Value>,
    /// When the row was inserted, by the server's clock.
    pub inserted_at: DateTime<Utc>,
    /// When the row last changed, by the server's clock.
    pub updated_at: DateTime<Utc>,
}

redacted_debug!(Delivery {
    id, tenant_id, mailable, stream, provider, provider_message_id, last_event_type, last_event_at, terminal,
    dispatched_at, delivered_at, bounced_at, complained_at, suppressed_at, lock_version, status, inserted_at,
    updated_at,
} hides {
    recipient, recipient_domain, metadata, idempotency_key, last_error,
});

impl Delivery {
    /// Finds a tenant's delivery by its id.
    ///
    /// # Errors
    /// [`Error::NotFound`] if this tenant has no such delivery.
    pub fn find(conn: &mut PgConnection, tenant_id: &str, id: Uuid) -> Result<Delivery> {
        let row: Option<Delivery> = Delivery::by_id(tenant_id, id).first(conn).optional()?;
        row.ok_or(Error::NotFound { record: "delivery", id })
    }

    /// [`find`](Self::find) that locks the row until the end of the transaction.
    pub(crate) fn find_locked(conn: &mut PgConnection, tenant_id: &str, id: Uuid) -> Result<Delivery> {
        let query = Delivery::by_id(tenant_id, id).for_no_key_update();
        let row: Option<Delivery> = query.first(conn).optional()?;
        row.ok_or(Error::NotFound { record: "delivery", id })
    }

    /// The query for a tenant's delivery.
    #[diesel::dsl::auto_type(no_type_alias)]
    fn by_id<'a>(tenant_id: &'a str, id: Uuid) -> _ {
        // Not a plain `=`: a plan made for a small table might use the index by tenant, and a connection keeps it.
        let is_tenants = mailglass_deliveries::tenant_id.eq(tenant_id).is_not_distinct_from(true);
        let row: AsSelect<Delivery, Pg> = Delivery::as_select();
        mailglass_deliveries::table.find(id).filter(is_tenants).select(row)
    }
}

/// A delivery to be [inserted](NewDelivery::insert), alone or [in a batch](NewDelivery::insert_all), together with its first
/// event.
///
/// ```
/// use mailglass::{NewDelivery, Stream};
///
/// let welcome = NewDelivery::new("acme", "welcome", Stream::Transactional, "ann@example.com")
///     .tenant_idempotency_key("welcome:42");
/// assert!(welcome.validate().is_ok());
///
/// let wrong = NewDelivery::new("", "welcome", Stream::Transactional, "ann@");
/// assert_eq!(
///     wrong.validate().unwrap_err().to_string(),
///     "invalid input: tenant_id can't be blank; recipient has no domain after its last @",
/// );
/// ```
#[derive(Clone, PartialEq)]
pub struct NewDelivery {
    pub(crate) id: Option<Uuid>,
    pub(crate) tenant_id: String,
    pub(crate) mailable: String,
    pub(crate) stream: Stream,
    pub(crate) recipient: String,
    pub(crate) recipient_domain: Option<String>,
    pub(crate) provider: Option<String>,
    pub(crate) provider_message_id: Option<String>,
    pub(crate) first_event_type: EventType,
    pub(crate) first_event_at: Option<DateTime<Utc>>,
    pub(crate) metadata: Value,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) sending: Sending,
    pub(crate) suppress: Option<Suppress>,
}

/// Whether and when a delivery is to be sent by the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sending {
    /// Not by the outbox: the delivery is only tracked.
    No,
    Now,
    At(DateTime<Utc>),
}

redacted_debug!(NewDelivery {
    id, tenant_id, mailable, stream, provider, provider_message_id, first_event_type, first_event_at, sending, suppress,
} hides {
    recipient, recipient_domain, metadata, idempotency_key,
});

impl NewDelivery {
    /// A delivery of `mailable`, your name for this kind of message, to one bare address.
    ///
    /// An address must not have a display name or white space. Internationalized addresses and quoted local parts are
    /// accepted; domain literals, such as `ann@[192.0.2.1]`, are not.
    pub fn new(
        tenant_id: impl Into<String>,
        mailable: impl Into<String>,
        stream: Stream,
        recipient: impl Into<String>,
    ) -> Self {
        NewDelivery {
            id: None,
            tenant_id: tenant_id.into(),
            mailable: mailable.into(),
            stream,
            recipient: recipient.into(),
            recipient_domain: None,
            provider: None,
            provider_message_id: None,
            first_event_type: EventType::Queued,
            first_event_at: None,
            metadata: json!({}),
            idempotency_key: None,
            sending: Sending::No,
            suppress: None,
        }
    }

    /// A delivery from a JSON object.
    ///
    /// Required: `tenant_id`, `mailable`, `stream`, `recipient`. Optional: `id`, `recipient_domain`, `provider`,
    /// `provider_message_id`, `last_event_type`, `last_event_at` (RFC 3339), `metadata`, `idempotency_key`. An attribute that
    /// is null counts as absent.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) with every wrong attribute: missing or unknown ones, wrong types,
    /// unknown labels, and those that [`validate`](Self::validate) reports.
    pub fn from_attrs(attrs: Value) -> Result<Self> {
        let mut attrs = Attrs::new(attrs)?;
        let (tenant_id, mailable) = (attrs.text("tenant_id"), attrs.text("mailable"));
        let (stream, recipient) = (attrs.label("stream"), attrs.text("recipient"));
        let mut delivery = NewDelivery::new(
            attrs.required("tenant_id", tenant_id, String::new()),
            attrs.required("mailable", mailable, String::new()),
            attrs.required("stream", stream, Stream::Transactional),
            attrs.required("recipient", recipient, String::new()),
        );
        delivery.id = attrs.uuid("id");
        delivery.recipient_domain = attrs.text("recipient_domain");
        delivery.provider = attrs.text("provider");
        delivery.provider_message_id = attrs.text("provider_message_id");
        delivery.first_event_at = attrs.time("last_event_at").map(microseconds);
        delivery.idempotency_key = attrs.text("idempotency_key");
        if let Some(event_type) = attrs.label("last_event_type") {
            delivery.first_event_type = event_type;
        }
        if let Some(metadata) = attrs.object("metadata") {
            delivery.metadata = metadata;
        }
        attrs.reject_the_rest(|key| match key {
            "last_error" => Some("is set when sending fails"),
            _ => not_the_applications(key),
        });
        delivery.check(&mut attrs.checks);
        attrs.checks.finish().map(|()| delivery)
    }

    /// The id, if you need to know it before the insert. By default each insert generates a UUIDv7.
    #[must_use]
    pub fn id(mut self, id: Uuid) -> Self {
        self.id = Some(id);
        self
    }

    /// The domain that you expect. It is derived from the recipient; any other value is an error.
    #[must_use]
    pub fn recipient_domain(mut self, domain: impl Into<String>) -> Self {
        self.recipient_domain = Some(domain.into());
        self
    }

    /// The provider, if it is known already.
    #[must_use]
    pub fn provider(mut self, provider: impl Into<String>) -> Self {
        self.provider = Some(provider.into());
        self
    }

    /// The provider's id of the message, if it was sent already. Requires a [`provider`](Self::provider).
    #[must_use]
    pub fn provider_message_id(mut self, id: impl Into<String>) -> Self {
        self.provider_message_id = Some(id.into());
        self
    }

    /// The type of the first event, and when it occurred, to the microsecond. By default it is `queued`, now.
    ///
    /// A leap second becomes the first instant of the next second. The row shows them as `last_event_type` and
    /// `last_event_at` until a later event follows.
    #[must_use]
    pub fn first_event(mut self, event_type: EventType, occurred_at: DateTime<Utc>) -> Self {
        self.first_event_type = event_type;
        self.first_event_at = Some(microseconds(occurred_at));
        self
    }

    /// The application's JSON object.
    #[must_use]
    pub fn metadata(mut self, metadata: Value) -> Self {
        self.metadata = metadata;
        self
    }

    /// Makes the insert idempotent. The key has at most 512 bytes and is unique across all tenants.
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

    /// Puts the delivery into the [outbox](crate::outbox) as well, in the statement that inserts it. A worker may claim it as soon
    /// as the transaction is committed. Without this, the delivery is only tracked.
    ///
    /// A replay puts nothing into the outbox.
    #[must_use]
    pub fn send(mut self) -> Self {
        self.sending = Sending::Now;
        self
    }

    /// As [`send`](Self::send), but no worker claims it before this time, by the server's clock.
    #[must_use]
    pub fn send_at(mut self, time: DateTime<Utc>) -> Self {
        self.sending = Sending::At(microseconds(time));
        self
    }

    /// Checks the recipient against the tenant's [suppressions](crate::suppressions), in the statement that inserts the delivery.
    /// If the recipient is suppressed, the first event is `suppressed`, and the delivery is not put into the outbox.
    #[must_use]
    pub fn suppress(mut self, suppress: Suppress) -> Self {
        self.suppress = Some(suppress);
        self
    }

    /// Checks the delivery without inserting it. An insert checks it as well.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) with every wrong field.
    pub fn validate(&self) -> Result<()> {
        Checks::run(|checks| self.check(checks))
    }

    pub(crate) fn check(&self, checks: &mut Checks) {
        checks.text("tenant_id", &self.tenant_id, SHORT_TEXT);
        checks.text("mailable", &self.mailable, SHORT_TEXT);
        checks.recipient("recipient", &self.recipient);
        if let (Some(derived), Some(given)) = (domain_of(&self.recipient), &self.recipient_domain)
            && !derived.eq_ignore_ascii_case(given)
        {
            checks.add("recipient_domain", "disagrees with the recipient");
        }
        checks.optional_text("provider", self.provider.as_deref(), SHORT_TEXT);
        checks.optional_text("provider_message_id", self.provider_message_id.as_deref(), MESSAGE_ID);
        checks.message_has_provider(self.provider_message_id.is_some(), self.provider.is_some());
        if let Some(time) = self.first_event_at {
            checks.time("last_event_at", time);
        }
        checks.json_object("metadata", &self.metadata);
        checks.idempotency_key(&self.tenant_id, self.idempotency_key.as_deref());
        if let Sending::At(time) = self.sending {
            checks.time("send_at", time);
        }
        if self.sending != Sending::No || self.suppress.is_some() {
            if self.first_event_type != EventType::Queued {
                checks.add("last_event_type", "must be queued for a delivery that is to be sent");
            }
            if self.provider_message_id.is_some() {
                checks.add(
                    "provider_message_id",
                    "can't be given for a delivery that is to be sent",
                );
            }
        }
    }
}

/// Changes to a delivery. `None` keeps a column, `Some(None)` sets it to NULL.
///
/// It has no field for the projection columns, so code that sets one does not compile.
///
/// ```
/// use mailglass::DeliveryChanges;
///
/// let changes = DeliveryChanges {
///     metadata: Some(serde_json::json!({ "campaign": "spring" })),
///     last_error: Some(None),
///     ..DeliveryChanges::default()
/// };
/// assert!(changes.validate().is_ok());
/// ```
#[derive(Clone, Default, PartialEq, AsChangeset)]
#[diesel(table_name = mailglass_deliveries)]
pub struct DeliveryChanges {
    /// The provider that accepted the message.
    pub provider: Option<Option<String>>,
    /// The provider's id of the message.
    pub provider_message_id: Option<Option<String>>,
    /// The application's JSON object. It replaces the current one.
    pub metadata: Option<Value>,
    /// The error of the last failed attempt to send, as a JSON object.
    pub last_error: Option<Option<Value>>,
}

redacted_debug!(DeliveryChanges { provider, provider_message_id } hides { metadata, last_error });

impl DeliveryChanges {
    /// Changes from a JSON object with any of `provider`, `provider_message_id`, `metadata` and `last_error`. A null clears
    /// the column, except for `metadata`, which must be an object.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every wrong attribute: unknown ones, columns that the application can't change, wrong types,
    /// and those that [`validate`](Self::validate) reports.
    pub fn from_attrs(attrs: Value) -> Result<Self> {
        let mut attrs = Attrs::new(attrs)?;
        let changes = DeliveryChanges {
            provider: attrs.nullable("provider", Attrs::text),
            provider_message_id: attrs.nullable("provider_message_id", Attrs::text),
            metadata: attrs.nullable("metadata", Attrs::object).map(Option::unwrap_or_default),
            last_error: attrs.nullable("last_error", Attrs::object),
        };
        attrs.reject_the_rest(|key| match key {
            "id" | "tenant_id" | "mailable" | "stream" | "recipient" | "recipient_domain" | "idempotency_key" => {
                Some("never changes")
            }
            _ => not_the_applications(key),
        });
        changes.check(&mut attrs.checks);
        attrs.checks.finish().map(|()| changes)
    }

    /// Checks the changes without writing them. An update checks them as well.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every wrong field.
    pub fn validate(&self) -> Result<()> {
        Checks::run(|checks| self.check(checks))
    }

    pub(crate) fn check(&self, checks: &mut Checks) {
        if let Some(Some(provider)) = &self.provider {
            checks.text("provider", provider, SHORT_TEXT);
        }
        if let Some(Some(message_id)) = &self.provider_message_id {
            checks.text("provider_message_id", message_id, MESSAGE_ID);
        }
        if let Some(metadata) = &self.metadata {
            checks.json_object("metadata", metadata);
        }
        if let Some(Some(last_error)) = &self.last_error {
            checks.json_object("last_error", last_error);
        }
    }
}

/// Why an attribute map can't set a column of a delivery; `None` if there is no such column.
fn not_the_applications(column: &str) -> Option<&'static str> {
    match column {
        _ if PROJECTION.contains(&column) => Some("is set by the projection"),
        "lock_version" | "inserted_at" | "updated_at" => Some("is set by the database"),
        _ => None,
    }
}
