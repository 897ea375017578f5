//! The row of a suppression.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::models::redacted::redacted_debug;
use crate::models::{Stream, SuppressionReason, SuppressionScope};
use crate::schema::mailglass_suppressions;

/// A recipient that gets no mail. Times are UTC, with microseconds.
#[derive(Clone, PartialEq, Eq, Serialize, Queryable, QueryableByName, Selectable, Identifiable)]
#[diesel(table_name = mailglass_suppressions, check_for_backend(Pg))]
pub struct Suppression {
    /// A UUIDv7 that the client generates.
    pub id: Uuid,
    /// The tenant that does not send.
    pub tenant_id: String,
    /// What is suppressed.
    pub scope: SuppressionScope,
    /// The stream, if the scope is `address_stream`.
    pub stream: Option<Stream>,
    /// The digest by which it is compared: see [`suppressions`](crate::suppressions#privacy). Serialized as hexadecimal digits.
    #[serde(serialize_with = "hexadecimal")]
    pub digest: Vec<u8>,
    /// The address or domain as it was given; `None` if it is not kept, or was erased.
    pub address: Option<String>,
    /// Why no mail is sent.
    pub reason: SuppressionReason,
    /// The event that caused it.
    pub source_event_id: Option<Uuid>,
    /// Since when no mail is sent.
    pub since: DateTime<Utc>,
    /// Until when no mail is sent; `None` if it is permanent.
    pub until: Option<DateTime<Utc>>,
}

redacted_debug!(Suppression {
    id, tenant_id, scope, stream, reason, source_event_id, since, until,
} hides {
    digest, address,
});

fn hexadecimal<S: Serializer>(digest: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    serializer.serialize_str(&digits)
}
