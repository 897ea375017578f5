//! Audit: which rows say something else than their ledger, and putting them right.

use std::fmt;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::AstPass;
use diesel::result::QueryResult;
use diesel::sql_types::{Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::fold::Projection;
use super::rebuild::{STEP, rebuild_step};
use crate::error::Result;
use crate::schema::sql_types::{MailglassDeliveryStatus, MailglassEventType};
use crate::sql::{Batch, Params, statement};

/// A delivery whose projection is not what its events say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable)]
pub struct Divergence {
    /// The delivery.
    pub delivery_id: Uuid,
    /// What its row says.
    pub found: Projection,
    /// What its facts in this tenant's ledger say; `None` if there is none.
    pub expected: Option<Projection>,
    /// Whether the ledger of another tenant has facts of this delivery: somebody changed its `tenant_id`. [`repair`] can't
    /// tell which tenant is the right one, so it leaves that column as it is.
    pub has_facts_elsewhere: bool,
}

/// One column of a [`Divergence`]. Values are as text, times in UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnDivergence {
    /// The column's name.
    pub column: &'static str,
    /// What the row says; `None` is NULL.
    pub found: Option<String>,
    /// What the events say; `None` is NULL.
    pub expected: Option<String>,
}

impl Divergence {
    /// The columns that differ. If other tenants have facts of the delivery, `tenant_id` is among them, as `changed`: nothing
    /// of the other tenant is told.
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
    struct Audit(tenant: Tenant) -> (SqlUuid, ProjectionColumns, Nullable<ProjectionColumns>, Bool) {
        "deliveries_of_tenant",
        "timeline",
        "timeline_facts",
        "fold",
        => "divergences"
    }
}

struct Tenant<'a>(&'a str);

impl Params for Tenant<'_> {
    const COLUMNS: &'static [&'static str] = &["tenant_id"];

    fn push<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("    SELECT ");
        out.push_bind_param::<Text, _>(self.0)?;
        out.push_sql(" AS tenant_id");
        Ok(())
    }
}

/// Compares every projection of a tenant with its facts in the ledger (the events that found the delivery when they were
/// appended, and those that were linked to it later), and returns those that differ: none, unless somebody wrote to the tables
/// by hand, or [`append`](crate::ledger::append)ed without a rebuild. A delivery whose `tenant_id` was changed is reported in
/// the tenant to which it was moved.
///
/// It is one statement over one snapshot, changes nothing and locks nothing, so it can run beside everything else. The answer
/// holds what differs and nothing else.
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
    Ok(Batch::<Audit, _>::new(&Tenant(tenant_id)).load(conn)?)
}

/// Makes the projections again that [`verify`] finds wrong, and returns how many it corrected. Where little is wrong it writes
/// little and locks little; [`rebuild_all`](super::rebuild_all) locks every delivery for a moment.
///
/// # Errors
/// [`Error::Database`](crate::Error::Database); what was corrected stays so, and running it again is safe.
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
