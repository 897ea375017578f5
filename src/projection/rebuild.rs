//! Rebuild: throw the projection away and make it again from the ledger.

use std::ops::ControlFlow;

use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use uuid::Uuid;

use super::timeline::Subjects;
use crate::error::Result;
use crate::models::Delivery;
use crate::retry;
use crate::schema::mailglass_deliveries;
use crate::sql::{Batch, statement};

/// How many deliveries one step locks: enough to be set-wise, few enough not to keep the tenant waiting.
pub(super) const STEP: usize = 1_000;

/// How many ids are read at once, because finding where a tenant's next ids begin may cost a scan of all of them.
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

/// Makes one delivery's projection again from its events and returns the row. It changes only where it was wrong.
///
/// # Errors
/// [`Error::NotFound`](crate::Error::NotFound) where this tenant has no such delivery.
pub fn rebuild(conn: &mut PgConnection, tenant_id: &str, delivery_id: Uuid) -> Result<Delivery> {
    retry::transaction(conn, |conn| {
        Delivery::find(conn, tenant_id, delivery_id)?;
        let row = mailglass_deliveries::table
            .find(delivery_id)
            .select(mailglass_deliveries::id);
        let locked: Vec<Uuid> = row.for_no_key_update().load(conn)?;
        rebuild_locked(conn, tenant_id, &locked)?;
        Delivery::find(conn, tenant_id, delivery_id)
    })
}

/// Makes the projections of all of a tenant's deliveries again, and returns how many were wrong.
///
/// It goes in steps, each a transaction of its own (unless it runs inside yours), so that recording goes on meanwhile. A
/// delivery without any event, which only somebody else's INSERT can have made, is left as it is.
///
/// # Errors
/// [`Error::Database`](crate::Error::Database); the steps that were done stay done, and running it again is safe.
pub fn rebuild_all(conn: &mut PgConnection, tenant_id: &str) -> Result<usize> {
    let rebuilt = rebuild_in_steps(conn, tenant_id, |_| ControlFlow::Continue(()))?;
    Ok(rebuilt.corrected)
}

/// How far [`rebuild_in_steps`] has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RebuildProgress {
    /// How many deliveries were made again.
    pub deliveries: usize,
    /// How many of them were wrong.
    pub corrected: usize,
}

/// [`rebuild_all`], with a word after each step of up to 1,000 deliveries: to show how far it is, or to stop there.
///
/// ```
/// # test_support::with_database(|conn| {
/// use std::ops::ControlFlow;
/// use std::time::{Duration, Instant};
///
/// let deadline = Instant::now() + Duration::from_secs(60);
/// mailglass::projection::rebuild_in_steps(conn, "acme", |so_far| {
///     println!("{} deliveries, {} were wrong", so_far.deliveries, so_far.corrected);
///     match Instant::now() < deadline {
///         true => ControlFlow::Continue(()),
///         false => ControlFlow::Break(()),
///     }
/// })?;
/// # Ok(())
/// # });
/// ```
///
/// # Errors
/// [`Error::Database`](crate::Error::Database); the steps that were done stay done, and running it again is safe.
pub fn rebuild_in_steps(
    conn: &mut PgConnection,
    tenant_id: &str,
    mut after_step: impl FnMut(RebuildProgress) -> ControlFlow<()>,
) -> Result<RebuildProgress> {
    let mut rebuilt = RebuildProgress::default();
    // The nil UUID is an id, too: the first page begins before it.
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

/// Locks some deliveries in the order of their ids, and makes their projections again.
pub(super) fn rebuild_step(conn: &mut PgConnection, tenant_id: &str, step: &[Uuid]) -> Result<usize> {
    retry::transaction(conn, |conn| {
        let step = ids(tenant_id).filter(mailglass_deliveries::id.eq_any(step));
        let locked: Vec<Uuid> = step.for_no_key_update().load(conn)?;
        rebuild_locked(conn, tenant_id, &locked)
    })
}

#[diesel::dsl::auto_type(no_type_alias)]
fn ids<'a>(tenant_id: &'a str) -> _ {
    mailglass_deliveries::table
        .filter(mailglass_deliveries::tenant_id.eq(tenant_id))
        .order(mailglass_deliveries::id)
        .select(mailglass_deliveries::id)
}

/// A rebuild sets instead of joining. So the rows are locked first and the ledger is read in this later statement, or it
/// would overwrite what was recorded meanwhile.
pub(crate) fn rebuild_locked(conn: &mut PgConnection, tenant_id: &str, locked: &[Uuid]) -> Result<usize> {
    let subjects = Subjects::new(locked.iter().map(|id| (tenant_id, *id)));
    let corrected: Vec<Uuid> = Batch::<Rebuild, _>::new(&subjects).load(conn)?;
    Ok(corrected.len())
}
