//! A sweep.

use diesel::prelude::*;

use super::sweep_options::{FailedLink, SweepOptions, SweepReport};
use super::{adopt, link};
use crate::error::{Error, Result};

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
