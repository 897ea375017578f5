//! The reconciler: links events that arrived before their delivery.
//!
//! Such an event, an *orphan*, has a row in `mailglass_event_links`. A sweep checks pending orphans, least recently checked
//! first. If the delivery exists by now, the sweep links the event and projects it, with its original type and time. It never
//! changes the ledger. Its cost depends on the number of pending orphans, not on the size of the ledger. Run a sweep every
//! half minute or so, from any number of processes: a sweep skips rows that another one has locked.
//!
//! `waiting_reason` is one of:
//!
//! | Reason | The event |
//! |---|---|
//! | `no_delivery` | names a delivery or a provider message that does not exist yet |
//! | `ambiguous` | names a provider message of several deliveries, and no recipient |
//! | `malformed` | has a payload that names a provider message without its provider, or not as text |
//! | `unread` | was appended by another application, such as an Elixir one; the next sweep reads its metadata and payload |
//!
//! An orphan that is older than the age limit expires: `expired_at` has the time. It stays in the ledger. [`waiting`] and
//! [`expired`] return orphans. Neither kind is a fact of any delivery.

mod adopt;
mod link;
mod unlinked;

use std::time::Duration;

use diesel::prelude::*;
use uuid::Uuid;

pub use self::unlinked::{UnlinkedEvent, expired, waiting};
use crate::error::{Error, Result};
use crate::schema::mailglass_event_links;

/// Options of a [`sweep`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepOptions {
    /// The tenant; by default all tenants.
    pub tenant: Option<String>,
    /// The maximum number of events to check; 1,000 by default.
    pub limit: u32,
    /// Skips events that were appended less than this ago; one minute by default. Most deliveries are committed by then.
    pub grace: Duration,
    /// Expires events that have waited longer than this; seven days by default.
    pub max_age: Duration,
}

impl Default for SweepOptions {
    fn default() -> Self {
        SweepOptions {
            tenant: None,
            limit: 1_000,
            grace: Duration::from_secs(60),
            max_age: Duration::from_secs(7 * 24 * 60 * 60),
        }
    }
}

/// The outcome of a sweep. Each event is counted once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Events that were linked and projected.
    pub linked: i64,
    /// Events that wait for their delivery, or are malformed.
    pub waiting: i64,
    /// Events that wait because several deliveries match.
    pub ambiguous: i64,
    /// Events that expired.
    pub expired: i64,
    /// Events that the database refused to link, such as by a trigger of yours. They keep waiting, behind the others.
    pub failed: Vec<FailedLink>,
}

/// An event that the database refused to link.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailedLink {
    /// The event.
    pub event_id: Uuid,
    /// The delivery that it was to be linked to, if there is one.
    pub delivery_id: Option<Uuid>,
    /// The error of the database.
    pub error: String,
}

/// Links pending events whose delivery exists by now, and expires old ones.
///
/// A sweep is one statement: all or nothing. If the database refuses to link an event, the sweep continues without that event
/// and reports it in [`SweepReport::failed`].
///
/// ```
/// # test_support::with_database(|conn| {
/// use std::time::Duration;
///
/// use mailglass::reconciler::{SweepOptions, sweep};
/// use mailglass::{EventType, NewDelivery, NewEvent, Stream, ledger};
///
/// let delivered = NewEvent::new("acme", EventType::Delivered, chrono::Utc::now())
///     .provider_message("postmark", "0a129aee");
/// ledger::record(conn, &[delivered])?; // the webhook arrived before the delivery was committed
///
/// let delivery = NewDelivery::new("acme", "welcome", Stream::Transactional, "ann@example.com")
///     .provider("postmark")
///     .provider_message_id("0a129aee")
///     .insert(conn)?.into_delivery();
/// let report = sweep(conn, &SweepOptions { grace: Duration::ZERO, ..SweepOptions::default() })?;
/// assert_eq!(report.linked, 1);
/// assert_eq!(delivery.timeline(conn)?.len(), 2);
/// # Ok(()) });
/// ```
///
/// # Errors
/// - [`Error::SerializationFailure`]: your transaction is not READ COMMITTED and must be run again
/// - [`Error::Database`]: such as a lost connection; nothing is lost, sweep again
pub fn sweep(conn: &mut PgConnection, options: &SweepOptions) -> Result<SweepReport> {
    adopt::adopt(conn, options)?;
    match link::sweep(conn, options, None) {
        Err(Error::Database(_)) => one_by_one(conn, options),
        report => report,
    }
}

/// Sweeps halves, and halves of those, until an event that the database refuses is alone.
fn one_by_one(conn: &mut PgConnection, options: &SweepOptions) -> Result<SweepReport> {
    let mut report = SweepReport::default();
    let mut parts = vec![link::pending(conn, options)?];
    while let Some(mut events) = parts.pop() {
        match link::sweep(conn, options, Some(&events)) {
            Ok(part) => report.add(part),
            Err(Error::Database(error)) => match events.as_slice() {
                [] => {}
                &[event_id] => {
                    // If the connection is the problem, this fails as well.
                    let delivery_id = link::postpone(conn, event_id)?;
                    report.failed.push(FailedLink {
                        event_id,
                        delivery_id,
                        error: error.to_string(),
                    });
                }
                _ => {
                    let half = events.split_off(events.len() / 2);
                    parts.extend([half, events]);
                }
            },
            Err(error) => return Err(error),
        }
    }
    Ok(report)
}

impl SweepReport {
    fn add(&mut self, other: SweepReport) {
        self.linked += other.linked;
        self.waiting += other.waiting;
        self.ambiguous += other.ambiguous;
        self.expired += other.expired;
        self.failed.extend(other.failed);
    }
}

/// Links that are neither completed nor expired.
#[diesel::dsl::auto_type(no_type_alias)]
fn is_pending() -> _ {
    mailglass_event_links::linked_at
        .is_null()
        .and(mailglass_event_links::expired_at.is_null())
}
