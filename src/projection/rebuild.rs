//! Rebuilding projections from the ledger.

use std::ops::ControlFlow;

use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use uuid::Uuid;

use super::timeline::Subjects;
use crate::error::Result;
use crate::models::Delivery;
use crate::retry;
use crate::schema::mailglass_deliveries;
use crate::sql::{Bound, statement};

/// How many deliveries one step locks: enough for set-based work, few enough not to block the tenant's recording for long.
pub(super) const STEP: usize = 1_000;

/// How many ids are read at once. Finding where the next page begins may scan all ids of the tenant.
const PAGE: i64 = 50_000;

statement! {
    /// Folds the timelines of deliveries, and overwrites the rows that differ.
    struct Rebuild(subject: Subjects) -> SqlUuid {
        "timeline",
        "timeline_facts",
        "fold",
        "overwrite",
        "write_projections",
        => "projected_ids"
    }
}

/// Rebuilds the projection of a delivery, and returns the row. It writes only if the projection was wrong.
///
/// # Errors
/// [`Error::NotFound`](crate::Error::NotFound) if this tenant has no such delivery.
pub fn rebuild(conn: &mut PgConnection, tenant_id: &str, delivery_id: Uuid) -> Result<Delivery> {
    retry::transaction(conn, |conn| {
        Delivery::find(conn, tenant_id, delivery_id)?;
        let row = mailglass_deliveries::table
            .find(delivery_id)
            .select(mailglass_deliveries::id);
        let locked: Vec<Uuid> = row.for_no_key_update().load(conn)?;
        rebuild_locked(conn, locked.into_iter().map(|id| (tenant_id, id)))?;
        Delivery::find(conn, tenant_id, delivery_id)
    })
}

/// Rebuilds the projections of all deliveries of a tenant, and returns how many were wrong.
///
/// It runs in steps, each a transaction, or a savepoint of your transaction. Recording continues between the steps. A delivery
/// without any event, which only an INSERT that bypassed this crate can have made, is kept as it is.
///
/// # Errors
/// [`Error::Database`](crate::Error::Database). Completed steps are kept, and it can be run again.
pub fn rebuild_all(conn: &mut PgConnection, tenant_id: &str) -> Result<usize> {
    let rebuilt = rebuild_in_steps(conn, tenant_id, |_| ControlFlow::Continue(()))?;
    Ok(rebuilt.corrected)
}

/// The progress of [`rebuild_in_steps`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RebuildProgress {
    /// How many deliveries were rebuilt.
    pub deliveries: usize,
    /// How many of them were wrong.
    pub corrected: usize,
}

/// [`rebuild_all`] with a callback after each step of up to 1,000 deliveries, which can report the progress or stop.
///
/// ```
/// # test_support::with_database(|conn| {
/// use std::ops::ControlFlow;
/// use std::time::{Duration, Instant};
///
/// let deadline = Instant::now() + Duration::from_secs(60);
/// mailglass::projection::rebuild_in_steps(conn, "acme", |progress| {
///     println!("{} deliveries, {} were wrong", progress.deliveries, progress.corrected);
///     if Instant::now() < deadline { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
/// })?;
/// # Ok(())
/// # });
/// ```
///
/// # Errors
/// [`Error::Database`](crate::Error::Database). Completed steps are kept, and it can be run again.
pub fn rebuild_in_steps(
    conn: &mut PgConnection,
    tenant_id: &str,
    mut after_step: impl FnMut(RebuildProgress) -> ControlFlow<()>,
) -> Result<RebuildProgress> {
    let mut rebuilt = RebuildProgress::default();
    // The first page has no lower bound: the nil UUID is a valid id.
    let mut page: Vec<Uuid> = ids(tenant_id).limit(PAGE).load(conn)?;
    while let Some(&last) = page.last() {
        for step in page.chunks(STEP) {
            rebuilt.corrected += rebuild_step(conn, tenant_id, step)?;
            rebuilt.deliveries += step.len();
            if after_step(rebuilt).is_break() {
                return Ok(rebuilt);
            }
        }
        page = ids(tenant_id)
            .filter(mailglass_deliveries::id.gt(last))
            .limit(PAGE)
            .load(conn)?;
    }
    Ok(rebuilt)
}

/// Locks deliveries in the order of their ids, and rebuilds their projections.
pub(super) fn rebuild_step(conn: &mut PgConnection, tenant_id: &str, step: &[Uuid]) -> Result<usize> {
    retry::transaction(conn, |conn| {
        let step = ids(tenant_id).filter(mailglass_deliveries::id.eq_any(step));
        let locked: Vec<Uuid> = step.for_no_key_update().load(conn)?;
        rebuild_locked(conn, locked.into_iter().map(|id| (tenant_id, id)))
    })
}

#[diesel::dsl::auto_type(no_type_alias)]
fn ids<'a>(tenant_id: &'a str) -> _ {
    mailglass_deliveries::table
        .filter(mailglass_deliveries::tenant_id.eq(tenant_id))
        .order(mailglass_deliveries::id)
        .select(mailglass_deliveries::id)
}

/// Rebuilds the projections of deliveries that an earlier statement of the transaction has locked.
///
/// A rebuild overwrites instead of merging. If one statement locked the rows and read the ledger, it would overwrite with a
/// snapshot older than the lock, and lose concurrent events.
pub(crate) fn rebuild_locked<'a>(
    conn: &mut PgConnection,
    locked: impl IntoIterator<Item = (&'a str, Uuid)>,
) -> Result<usize> {
    let subjects = Subjects::new(locked);
    let corrected: Vec<Uuid> = Bound::<Rebuild>::new(&subjects).load(conn)?;
    Ok(corrected.len())
}
