//! Reading orphans: events that wait, and events that expired.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use serde::Serialize;
use uuid::Uuid;

use crate::error::Result;
use crate::models::Event;
use crate::models::redacted::redacted_debug;
use crate::schema::{mailglass_event_links, mailglass_events};

/// An event that waits for its delivery, or has expired. Times are UTC, with microseconds, by the server's clock.
#[derive(Clone, PartialEq, Serialize, Queryable)]
#[diesel(check_for_backend(Pg))]
#[non_exhaustive]
pub struct UnlinkedEvent {
    /// The event.
    pub event: Event,
    /// Why it waits, or waited when it expired: see [`reconciler`](crate::reconciler).
    pub waiting_reason: String,
    /// The id of the delivery that it names.
    pub named_delivery_id: Option<Uuid>,
    /// The provider that it names.
    pub provider: Option<String>,
    /// The provider message id that it names.
    pub provider_message_id: Option<String>,
    /// The recipient that it names.
    pub recipient: Option<String>,
    /// When it was appended.
    pub waiting_since: DateTime<Utc>,
    /// When a sweep last searched for its delivery.
    pub checked_at: DateTime<Utc>,
    /// When it expired; `None` while it waits.
    pub expired_at: Option<DateTime<Utc>>,
}

redacted_debug!(UnlinkedEvent {
    event, waiting_reason, named_delivery_id, provider, provider_message_id, waiting_since, checked_at, expired_at,
} hides { recipient });

#[diesel::dsl::auto_type(no_type_alias)]
fn columns() -> _ {
    let event: diesel::dsl::AsSelect<Event, Pg> = Event::as_select();
    (
        event,
        mailglass_event_links::waiting_reason,
        mailglass_event_links::named_delivery_id,
        mailglass_event_links::provider,
        mailglass_event_links::provider_message_id,
        mailglass_event_links::recipient,
        mailglass_event_links::inserted_at,
        mailglass_event_links::checked_at,
        mailglass_event_links::expired_at,
    )
}

/// A tenant's waiting events, at most `limit`, in the order in which sweeps check them.
///
/// ```
/// # test_support::with_database(|conn| {
/// use mailglass::{EventType, NewEvent, ledger, reconciler};
///
/// let delivered = NewEvent::new("acme", EventType::Delivered, chrono::Utc::now()).provider_message("postmark", "0a129aee");
/// ledger::record(conn, &[delivered])?;
///
/// let waiting = reconciler::waiting(conn, "acme", 100)?;
/// assert_eq!(waiting[0].waiting_reason, "no_delivery");
/// assert_eq!(waiting[0].provider_message_id.as_deref(), Some("0a129aee"));
/// assert!(reconciler::expired(conn, "acme", 100)?.is_empty());
/// # Ok(()) });
/// ```
///
/// # Errors
/// [`Error::Database`](crate::Error::Database).
pub fn waiting(conn: &mut PgConnection, tenant_id: &str, limit: u32) -> Result<Vec<UnlinkedEvent>> {
    let waiting = mailglass_event_links::table
        .inner_join(mailglass_events::table.on(mailglass_events::id.eq(mailglass_event_links::event_id)))
        .filter(mailglass_event_links::tenant_id.eq(tenant_id))
        .filter(is_pending())
        .order(mailglass_event_links::checked_at)
        .limit(i64::from(limit))
        .select(columns());
    Ok(waiting.load(conn)?)
}

/// A tenant's expired events, at most `limit`, latest first.
///
/// # Errors
/// [`Error::Database`](crate::Error::Database).
pub fn expired(conn: &mut PgConnection, tenant_id: &str, limit: u32) -> Result<Vec<UnlinkedEvent>> {
    let expired = mailglass_event_links::table
        .inner_join(mailglass_events::table.on(mailglass_events::id.eq(mailglass_event_links::event_id)))
        .filter(mailglass_event_links::tenant_id.eq(tenant_id))
        .filter(mailglass_event_links::expired_at.is_not_null())
        .order(mailglass_event_links::expired_at.desc())
        .limit(i64::from(limit))
        .select(columns());
    Ok(expired.load(conn)?)
}

/// Links that are neither completed nor expired.
#[diesel::dsl::auto_type(no_type_alias)]
fn is_pending() -> _ {
    mailglass_event_links::linked_at
        .is_null()
        .and(mailglass_event_links::expired_at.is_null())
}
