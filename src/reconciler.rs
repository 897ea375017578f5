//! The reconciler: links events that arrived before their delivery.
//!
//! Such an event waits in `mailglass_event_links`, with the reason why. A sweep takes those that are pending, least
//! recently checked first, and links each whose delivery is there by now: it projects the original event, with its real
//! type and time, and never touches the ledger. It costs what is pending, whatever the size of the ledger. Run it every
//! half minute or so, from as many processes as you like: none takes what another one holds.
//!
//! An event waits as `no_delivery`, as `ambiguous` (several deliveries fit, as when one provider message serves several
//! recipients and the event names none) or as `malformed` (its payload names only half of a provider message). Past the age
//! limit it is given up: `expired_at` says when, `waiting_reason` why. It stays in the ledger. [`waiting`] and [`expired`]
//! read them: neither kind is a fact of any delivery.
//!
//! An event that somebody else appended with `needs_reconciliation`, such as an Elixir application, waits there as well. It is
//! `unread` until the next sweep, which looks for the provider message in its metadata and payload.

mod adopt;
mod link;
mod unlinked;

use std::time::Duration;

use diesel::prelude::*;
use uuid::Uuid;

pub use self::unlinked::{UnlinkedEvent, expired, waiting};
use crate::error::{Error, Result};
use crate::schema::mailglass_event_links;

/// What a sweep takes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepOptions {
    /// Only this tenant's events; all tenants' by default.
    pub tenant: Option<String>,
    /// The most events to look at; 1,000 by default.
    pub limit: u32,
    /// Leaves events alone that have waited less than this; a minute by default, in which most deliveries turn up.
    pub grace: Duration,
    /// Gives events up that have waited longer than this; seven days by default.
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

/// What came of the events that a sweep looked at: each is counted once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Linked to their delivery and projected.
    pub linked: i64,
    /// Still waiting for their delivery, or malformed.
    pub waiting: i64,
    /// Still waiting because several deliveries fit.
    pub ambiguous: i64,
    /// Given up for their age.
    pub expired: i64,
    /// The events that could not be linked because the database refused it, and why. They wait on, behind the others.
    pub failed: Vec<FailedLink>,
}

/// An event that the database refused to link or to project.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailedLink {
    /// The event that waits.
    pub event_id: Uuid,
    /// The delivery that it is about, if there is one.
    pub delivery_id: Option<Uuid>,
    /// What the database says.
    pub error: String,
}

/// Sweeps once: all of it happens or nothing, unless the database refuses to link an event. Then the sweep goes on without
/// that event, and reports it in [`SweepReport::failed`].
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
/// ledger::record(conn, &[delivered])?; // the webhook was faster than our own commit
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
/// [`Error::SerializationFailure`], in a transaction of yours that isn't READ COMMITTED, and
/// [`Error::Database`], such as a lost connection; nothing is lost, sweep again.
pub fn sweep(conn: &mut PgConnection, options: &SweepOptions) -> Result<SweepReport> {
    adopt::adopt(conn, options)?;
    match link::sweep(conn, options, None) {
        Err(Error::Database(_)) => one_by_one(conn, options),
        report => report,
    }
}

/// Sweeps halves, and halves of these, until what the database refuses stands alone.
fn one_by_one(conn: &mut PgConnection, options: &SweepOptions) -> Result<SweepReport> {
    let mut report = SweepReport::default();
    let mut parts = vec![link::pending(conn, options)?];
    while let Some(mut events) = parts.pop() {
        match link::sweep(conn, options, Some(&events)) {
            Ok(part) => report.add(part),
            Err(Error::Database(error)) => match events.as_slice() {
                [] => {}
                &[event_id] => {
                    // Fails as well if it isn't the event but the connection.
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

/// Events that are neither linked nor given up.
#[diesel::dsl::auto_type(no_type_alias)]
fn is_pending() -> _ {
    mailglass_event_links::linked_at
        .is_null()
        .and(mailglass_event_links::expired_at.is_null())
}
