//! Comparing the projections with the ledger, and repairing them.

use std::fmt;

use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Timestamptz, Uuid as SqlUuid};
use serde::Serialize;
use uuid::Uuid;

use super::fold::Projection;
use super::rebuild::{STEP, rebuild_step};
use crate::error::Result;
use crate::schema::sql_types::{MailglassDeliveryStatus, MailglassEventType};
use crate::sql::{Bound, Tenant, statement};

/// A delivery whose projection differs from its ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Queryable)]
pub struct Divergence {
    /// The delivery.
    pub delivery_id: Uuid,
    /// The projection in the row.
    pub found: Projection,
    /// The projection of its facts in this tenant's ledger; `None` if there are none.
    pub expected: Option<Projection>,
    /// Whether another tenant's ledger has facts of this delivery, because its `tenant_id` was changed. [`repair`] does not
    /// change it back, because it can't know which tenant is right.
    pub has_facts_elsewhere: bool,
}

/// One column of a [`Divergence`]. Values are text, times are UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ColumnDivergence {
    /// The name of the column.
    pub column: &'static str,
    /// The value in the row; `None` is NULL.
    pub found: Option<String>,
    /// The value that the events give; `None` is NULL.
    pub expected: Option<String>,
}

impl Divergence {
    /// The columns that differ. If another tenant has facts of the delivery, `tenant_id` is among them with the values
    /// `changed` and `unchanged`: the other tenant is not named.
    pub fn columns(&self) -> Vec<ColumnDivergence> {
        let tenant = self.has_facts_elsewhere.then(|| ColumnDivergence {
            column: "tenant_id",
            found: Some("changed".to_owned()),
            expected: Some("unchanged".to_owned()),
        });
        let expected = self.expected.unwrap_or(self.found);
        let pairs = self.found.columns().into_iter().zip(expected.columns());
        let projection =
            pairs
                .filter(|((_, found), (_, expected))| found != expected)
                .map(|((column, found), (_, expected))| ColumnDivergence {
                    column,
                    found,
                    expected,
                });
        tenant.into_iter().chain(projection).collect()
    }
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "delivery {}", self.delivery_id)?;
        for ColumnDivergence {
            column,
            found,
            expected,
        } in self.columns()
        {
            let [found, expected] = [&found, &expected].map(|value| value.as_deref().unwrap_or("NULL"));
            write!(f, "; {column} is {found}, should be {expected}")?;
        }
        Ok(())
    }
}

/// The columns of a [`Projection`], in its order.
type ProjectionColumns = (
    MailglassEventType,
    Timestamptz,
    Bool,
    Nullable<Timestamptz>,
    Nullable<Timestamptz>,
    Nullable<Timestamptz>,
    Nullable<Timestamptz>,
    Nullable<Timestamptz>,
    MailglassDeliveryStatus,
);

statement! {
    /// Reads the deliveries that diverge.
    struct Verify(tenant: Tenant) -> (SqlUuid, ProjectionColumns, Nullable<ProjectionColumns>, Bool) {
        "deliveries_of_tenant",
        "timeline",
        "timeline_facts",
        "fold",
        => "divergences"
    }
}

/// Compares the projection of each of a tenant's deliveries with its facts in the ledger, and returns those that differ.
///
/// A projection differs only if the tables were changed without this crate, or if events were
/// [`append`](crate::ledger::append)ed without a rebuild. A delivery whose `tenant_id` was changed is reported for its new
/// tenant.
///
/// It is one statement over one snapshot. It changes nothing and locks no row, so it can run at any time.
///
/// ```
/// # test_support::with_database(|conn| {
/// for divergence in mailglass::projection::verify(conn, "acme")? {
///     eprintln!("{divergence}");
/// }
/// mailglass::projection::repair(conn, "acme")?;
/// assert!(mailglass::projection::verify(conn, "acme")?.is_empty());
/// # Ok(())
/// # });
/// ```
///
/// # Errors
/// [`Error::Database`](crate::Error::Database).
pub fn verify(conn: &mut PgConnection, tenant_id: &str) -> Result<Vec<Divergence>> {
    Ok(Bound::<Verify>::new(&Tenant(tenant_id)).load(conn)?)
}

/// Rebuilds the projections that [`verify`] reports, and returns how many it corrected. It locks only those deliveries;
/// [`rebuild_all`](super::rebuild_all) locks each of the tenant's.
///
/// # Errors
/// [`Error::Database`](crate::Error::Database). Corrections that were made are kept, and it can be run again.
pub fn repair(conn: &mut PgConnection, tenant_id: &str) -> Result<usize> {
    let wrong: Vec<Uuid> = verify(conn, tenant_id)?
        .iter()
        .map(|divergence| divergence.delivery_id)
        .collect();
    let mut corrected = 0;
    for step in wrong.chunks(STEP) {
        corrected += rebuild_step(conn, tenant_id, step)?;
    }
    Ok(corrected)
}
