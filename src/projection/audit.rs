//! Audit: which rows say something else than their ledger, and putting them right.

use std::fmt;
use std::sync::LazyLock;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::AstPass;
use diesel::result::QueryResult;
use diesel::sql_types::{Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::fold::Projection;
use super::rebuild::{FACTS, STEP, rebuild_step};
use super::sql::FOLD;
use crate::batch::{Batch, BatchStatement, Columns};
use crate::error::Result;
use crate::schema::sql_types::{MailglassDeliveryStatus, MailglassEventType};

/// A delivery whose projection is not what its events say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable)]
pub struct Divergence {
    /// The delivery.
    pub delivery_id: Uuid,
    /// What its row says.
    pub is: Projection,
    /// What its events say.
    pub should_be: Projection,
}

/// One column of a [`Divergence`]. Values are as text, times in UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnDivergence {
    /// The column's name.
    pub column: &'static str,
    /// What the row says; `None` is NULL.
    pub is: Option<String>,
    /// What the events say; `None` is NULL.
    pub should_be: Option<String>,
}

impl Divergence {
    /// The columns that differ.
    pub fn columns(&self) -> Vec<ColumnDivergence> {
        let pairs = self.is.columns().into_iter().zip(self.should_be.columns());
        pairs
            .filter(|((_, is), (_, should_be))| is != should_be)
            .map(|((column, is), (_, should_be))| ColumnDivergence { column, is, should_be })
            .collect()
    }
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "delivery {}", self.delivery_id)?;
        for ColumnDivergence { column, is, should_be } in self.columns() {
            let [is, should_be] = [&is, &should_be].map(|it| it.as_deref().unwrap_or("NULL"));
            write!(f, "; {column} is {is}, should be {should_be}")?;
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

struct Audit;

static AUDIT: LazyLock<String> = LazyLock::new(|| {
    let subject =
        "WITH subject AS (SELECT tenant_id, id AS delivery_id FROM mailglass_deliveries WHERE tenant_id = :input),\n";
    let ctes = [include_str!("timeline.sql"), FACTS, &FOLD].join(",\n");
    [subject, &ctes, include_str!("audit.sql")].concat()
});

impl BatchStatement for Audit {
    type SqlType = (SqlUuid, ProjectionColumns, ProjectionColumns);

    fn sql() -> &'static str {
        &AUDIT
    }
}

struct Tenant<'a>(&'a str);

impl Columns for Tenant<'_> {
    fn push<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_bind_param::<Text, _>(self.0)
    }
}

/// Compares every projection of a tenant with its ledger, and returns those that differ: none, unless somebody wrote to the
/// tables by hand, or [`append`](crate::ledger::append)ed without a rebuild.
///
/// It is one statement over one snapshot, changes nothing and locks nothing, so it can run beside everything else. The answer
/// holds what differs and nothing else.
///
/// ```
/// # mod doctest { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doctest/with_database.rs")); }
/// # doctest::with_database(|conn| {
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
    let wrong: Vec<Uuid> = verify(conn, tenant_id)?.iter().map(|it| it.delivery_id).collect();
    let mut corrected = 0;
    for step in wrong.chunks(STEP) {
        corrected += rebuild_step(conn, tenant_id, step)?;
    }
    Ok(corrected)
}
