//! A sweep.

use diesel::prelude::*;

use super::sweep_options::{FailedLink, SweepOptions, SweepReport};
use super::{adopt, link};
use crate::error::Result;

/// Links pending events whose delivery exists by now, and expires old ones.
///
/// Linking is one statement. If the database rejects it, because of a trigger or a constraint of yours, the sweep bisects the
/// events, links the others, and reports those that fail in [`SweepReport::failed`].
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
/// let report = sweep(conn, &SweepOptions { grace: Duration::ZERO, ..SweepOptions::all_tenants() })?;
/// assert_eq!(report.linked, 1);
/// assert_eq!(report.linked_events[0].delivery_id, delivery.id);
/// assert_eq!(delivery.timeline(conn)?.len(), 2);
/// # Ok(()) });
/// ```
///
/// # Errors
/// - [`Error::SerializationFailure`](crate::Error::SerializationFailure): your transaction is not READ COMMITTED and must be run
///   again
/// - [`Error::Database`](crate::Error::Database): such as a lost connection; nothing is lost, sweep again
pub fn sweep(conn: &mut PgConnection, options: &SweepOptions) -> Result<SweepReport> {
    adopt::adopt(conn, options)?;
    match link::sweep(conn, options, None) {
        Err(error) if !error.is_serialization_failure() => bisect(conn, options),
        report => report,
    }
}

/// Bisects the pending events until each event that the database rejects is alone.
fn bisect(conn: &mut PgConnection, options: &SweepOptions) -> Result<SweepReport> {
    let mut report = SweepReport::default();
    let mut parts = vec![link::pending(conn, options)?];
    while let Some(mut events) = parts.pop() {
        match link::sweep(conn, options, Some(&events)) {
            Ok(part) => report.add(part),
            Err(error) if error.is_serialization_failure() => return Err(error),
            Err(error) => match events.as_slice() {
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
        }
    }
    Ok(report)
}
