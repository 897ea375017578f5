//! A whole cut.

use diesel::prelude::*;

use super::begin::begin;
use super::options::CutOptions;
use super::report::CutReport;
use super::step::{Step, step};
use crate::error::Result;

/// Removes the deliveries whose last event is older than [`CutOptions::before`], with all of their events, links and details. It crosses
/// tenants: it is one ledger.
///
/// It builds a new ledger beside the old one and swaps the two ([the module](super) describes it), so it needs the ownership of the tables
/// and as much free disk as the events that stay take. Recording continues. It is several transactions, so it can't be part of yours.
///
/// ```
/// # test_support::with_database(|conn| {
/// use chrono::{Duration, Months, Utc};
/// use mailglass::retention::{self, CutOptions};
/// use mailglass::{EventType, NewDelivery, Stream};
///
/// let long_ago = Utc::now() - Months::new(20);
/// NewDelivery::new("acme", "welcome", Stream::Transactional, "ann@example.com")
///     .first_event(EventType::Queued, long_ago)
///     .insert(conn)?;
/// NewDelivery::new("acme", "welcome", Stream::Transactional, "bob@example.com").insert(conn)?;
///
/// let report = retention::cut(conn, &CutOptions::before(Utc::now() - Months::new(13)))?;
/// assert_eq!((report.deliveries_left, report.events_left, report.events_kept), (1, 1, 1));
/// println!("the old ledger is {}", report.kept_as.unwrap_or_default()); // mailglass_events_until_20251026
/// # Ok(())
/// # });
/// ```
///
/// # Errors
/// - [`Error::Invalid`](crate::Error::Invalid): `before` is not in the past, or `batch` is 0
/// - [`Error::CutRejected`](crate::Error::CutRejected): see [`CutRejection`](crate::CutRejection)
/// - [`Error::Database`](crate::Error::Database): such as a lost connection, or a foreign key of yours that refers to a delivery that leaves
///
/// After an error other than [`Invalid`](crate::Error::Invalid), the cut may be unfinished: [`status`](super::status) returns it, and
/// [`resume`] continues it.
pub fn cut(conn: &mut PgConnection, options: &CutOptions) -> Result<CutReport> {
    begin(conn, options)?;
    resume(conn)
}

/// Makes the remaining steps of the unfinished cut.
///
/// # Errors
/// As [`step`].
pub fn resume(conn: &mut PgConnection) -> Result<CutReport> {
    loop {
        if let Step::Finished(report) = step(conn)? {
            return Ok(report);
        }
    }
}
