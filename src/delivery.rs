//! The delivery as it is read.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::closed_sets::{DeliveryStatus, EventType, Stream};
use crate::error::{Error, Result};
use crate::schema::mailglass_deliveries;

/// One message to one recipient through one provider, and how it stands. All times are UTC, in microseconds.
///
/// The columns from `last_event_type` to `suppressed_at`, and `status`, are the
/// [projection](crate::projection): they follow the delivery's events and only the projector writes them.
#[derive(Clone, Debug, PartialEq, Serialize, Queryable, Selectable, Identifiable)]
#[diesel(table_name = mailglass_deliveries, check_for_backend(Pg))]
pub struct Delivery {
    /// UUIDv7, made by the client.
    pub id: Uuid,
    /// The tenant that owns the delivery.
    pub tenant_id: String,
    /// Which kind of message this is, in the application's own words, such as `welcome`.
    pub mailable: String,
    /// What the message is for.
    pub stream: Stream,
    /// The bare address, as the application gave it.
    pub recipient: String,
    /// What follows the last `@` of the recipient, in lower case.
    pub recipient_domain: String,
    /// The provider that took the message.
    pub provider: Option<String>,
    /// The provider's own id of the message.
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
    /// The application's own JSON object.
    pub metadata: Value,
    /// 1 at birth, one more with every change of the row: what [`update`](Delivery::update) checks.
    pub lock_version: i32,
    /// What makes the enqueue replay-safe.
    pub idempotency_key: Option<String>,
    /// Projection: the highest status that any event reached.
    pub status: DeliveryStatus,
    /// What the last failed attempt to send said.
    pub last_error: Option<Value>,
    /// When the row was inserted, by the server's clock.
    pub inserted_at: DateTime<Utc>,
    /// When the row last changed, by the server's clock.
    pub updated_at: DateTime<Utc>,
}

impl Delivery {
    /// A tenant's delivery by its id.
    ///
    /// # Errors
    /// [`Error::NotFound`] where this tenant has no such delivery.
    pub fn find(conn: &mut PgConnection, tenant_id: &str, id: Uuid) -> Result<Delivery> {
        // By the id alone: Postgres might go by the tenant where the table was small when it planned this.
        mailglass_deliveries::table
            .find(id)
            .select(Delivery::as_select())
            .first(conn)
            .optional()?
            .filter(|delivery| delivery.tenant_id == tenant_id)
            .ok_or(Error::NotFound { record: "delivery", id })
    }
}

/// Why an attribute map can't set a column of a delivery that is somebody else's to write.
pub(crate) fn not_the_applications(column: &str) -> Option<&'static str> {
    match column {
        "last_event_type" | "last_event_at" | "terminal" | "dispatched_at" | "delivered_at" | "bounced_at"
        | "complained_at" | "suppressed_at" | "status" => Some("is set by the projection"),
        "lock_version" | "inserted_at" | "updated_at" => Some("is set by the database"),
        _ => None,
    }
}
