//! The reconciler: links events that arrived before their delivery.
//!
//! Such an event waits in `mailglass_event_links`, with the reason why. A sweep takes those that are pending, least
//! recently checked first, and links each whose delivery is there by now: it projects the original event, with its real
//! type and time, and never touches the ledger. It costs what is pending, whatever the size of the ledger. Run it every
//! half minute or so, from as many processes as you like: none takes what another one holds.
//!
//! An event waits as `no_delivery`, as `ambiguous` (several deliveries fit, as when one provider message serves several
//! recipients and the event names none) or as `malformed` (its payload names only half of a provider message). Past the age
//! limit it is given up: `expired_at` says when, `waiting_reason` why. It stays in the ledger.

use std::sync::LazyLock;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Double, Nullable, Text};

use crate::error::Result;
use crate::ledger::RESOLVE;
use crate::projection::sql::{FOLD, JOIN_AND_WRITE};
use crate::retry;

/// What a sweep takes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// Only this tenant's events; all tenants' by default.
    pub tenant: Option<String>,
    /// The most events to look at; 1,000 by default.
    pub limit: u32,
    /// Leaves events alone that have waited less than this; a minute by default, in which most deliveries turn up.
    pub grace: Duration,
    /// Gives events up that have waited longer than this; seven days by default.
    pub max_age: Duration,
}

impl Default for Sweep {
    fn default() -> Self {
        Sweep {
            tenant: None,
            limit: 1_000,
            grace: Duration::from_secs(60),
            max_age: Duration::from_secs(7 * 24 * 60 * 60),
        }
    }
}

/// What came of the events that a sweep looked at: each is counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, QueryableByName)]
#[diesel(check_for_backend(diesel::pg::Pg))]
pub struct SweepReport {
    /// Linked to their delivery and projected.
    #[diesel(sql_type = BigInt)]
    pub linked: i64,
    /// Still waiting for their delivery, or malformed.
    #[diesel(sql_type = BigInt)]
    pub waiting: i64,
    /// Still waiting because several deliveries fit.
    #[diesel(sql_type = BigInt)]
    pub ambiguous: i64,
    /// Given up for their age.
    #[diesel(sql_type = BigInt)]
    pub expired: i64,
}

static SWEEP: LazyLock<String> = LazyLock::new(|| {
    include_str!("reconciler/sweep.sql")
        .replace(":resolve", RESOLVE.trim_end())
        .replace(":fold", FOLD.trim_end())
        .replace(":join_and_write", JOIN_AND_WRITE.trim_end())
});

/// Sweeps once, as one statement: all of it happens or nothing.
///
/// ```
/// # mod doctest { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doctest/with_database.rs")); }
/// # doctest::with_database(|conn| {
/// use std::time::Duration;
///
/// use mailglass::reconciler::{Sweep, sweep};
/// use mailglass::{EventType, NewDelivery, NewEvent, Stream, ledger};
///
/// let delivered = NewEvent::new("acme", EventType::Delivered, chrono::Utc::now())
///     .provider_message("postmark", "0a129aee");
/// ledger::record(conn, &[delivered])?; // the webhook was faster than our own commit
///
/// let delivery = NewDelivery::new("acme", "welcome", Stream::Transactional, "ann@example.com")
///     .provider("postmark")
///     .provider_message_id("0a129aee")
///     .insert(conn)?;
/// let report = sweep(conn, &Sweep { grace: Duration::ZERO, ..Sweep::default() })?;
/// assert_eq!(report.linked, 1);
/// assert_eq!(delivery.timeline(conn)?.len(), 2);
/// # Ok(()) });
/// ```
///
/// # Errors
/// [`Error::Database`](crate::Error::Database); nothing is lost, sweep again.
pub fn sweep(conn: &mut PgConnection, sweep: &Sweep) -> Result<SweepReport> {
    retry::serializable(conn, |conn| {
        let report = sql_query(SWEEP.as_str())
            .bind::<Nullable<Text>, _>(sweep.tenant.as_deref())
            .bind::<BigInt, _>(i64::from(sweep.limit))
            .bind::<Double, _>(seconds(sweep.grace))
            .bind::<Double, _>(seconds(sweep.max_age))
            .get_result(conn)?;
        Ok(report)
    })
}

/// In Postgres' range: nothing has waited for a thousand years.
fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64().min(1_000.0 * 365.25 * 24.0 * 60.0 * 60.0)
}
