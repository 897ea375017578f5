//! Reading the events that wait, and those that were given up.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use serde::Serialize;
use uuid::Uuid;

use super::is_pending;
use crate::error::Result;
use crate::models::Event;
use crate::schema::{mailglass_event_links, mailglass_events};

/// An event that is a fact of no delivery yet, or never became one. All times are UTC, in microseconds, by the server's clock.
#[derive(Clone, Debug, PartialEq, Serialize, Queryable)]
#[diesel(check_for_backend(Pg))]
#[non_exhaustive]
pub struct UnlinkedEvent {
    /// The event itself.
    pub event: Event,
    /// Why it waits, or waited when it was given up: `no_delivery`, `ambiguous` or `malformed`.
    pub waiting_reason: String,
    /// The delivery that it names by id.
    pub named_delivery_id: Option<Uuid>,
    /// The provider that it names.
    pub provider: Option<String>,
    /// The provider's message id that it names.
    pub provider_message_id: Option<String>,
    /// The recipient that it names.
    pub recipient: Option<String>,
    /// When it began to wait.
    pub waiting_since: DateTime<Utc>,
    /// When a sweep last looked for its delivery.
    pub checked_at: DateTime<Utc>,
    /// When it was given up; `None` while it waits.
    pub expired_at: Option<DateTime<Utc>>,
}

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

/// A tenant's events that wait for their delivery, at most `limit` of them, in the order in which sweeps take them.
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

/// A tenant's events that were given up, at most `limit` of them, the latest first.
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
