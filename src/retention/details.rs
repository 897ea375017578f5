//! Expiry of details.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz};

use crate::error::{CutRejection, Error, Result};
use crate::retry;
use crate::sql::{sql, with_parameters};
use crate::tenancy::{self, Tenants};

static EXPIRE: LazyLock<String> =
    LazyLock::new(|| with_parameters(&["before", "tenant", "batch"], &[], sql!("retention/expire_details")));

/// Options of [`expire_details`], with the defaults of [`all_tenants`](Self::all_tenants) or [`of_tenant`](Self::of_tenant).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetailsOptions {
    /// The tenants whose details expire.
    pub tenants: Tenants,
    /// The maximum number of rows that one statement deletes; 10,000 by default.
    pub batch: u32,
}

impl DetailsOptions {
    /// The details of all tenants. With row-level security, it needs a role with
    /// [`Access::Retention`](crate::roles::Access::Retention).
    pub fn all_tenants() -> Self {
        DetailsOptions::new(Tenants::All)
    }

    /// The details of one tenant.
    pub fn of_tenant(tenant_id: impl Into<String>) -> Self {
        DetailsOptions::new(Tenants::Only(tenant_id.into()))
    }

    fn new(tenants: Tenants) -> Self {
        DetailsOptions { tenants, batch: 10_000 }
    }
}

#[derive(QueryableByName)]
struct Hidden {
    #[diesel(sql_type = Bool)]
    is_hidden: bool,
}

/// Deletes the rows of `mailglass_event_details` that were inserted before a time, and returns how many. The events stay.
///
/// It deletes in batches, each a transaction, or a savepoint of yours. Several processes can do so at the same time. It needs the right to
/// DELETE from the table.
///
/// ```
/// # test_support::with_database(|conn| {
/// use chrono::{Duration, Utc};
/// use mailglass::retention::{DetailsOptions, expire_details};
///
/// let expired = expire_details(conn, Utc::now() - Duration::days(30), &DetailsOptions::all_tenants())?;
/// println!("the details of {expired} events expired");
/// # Ok(())
/// # });
/// ```
///
/// # Errors
/// - [`Error::Invalid`]: `batch` is 0
/// - [`Error::CutRejected`] with [`CutRejection::RowSecurity`]: row-level security hides rows from this role, and no tenant is given
/// - [`Error::Database`]. Finished batches are kept, and it can be run again.
pub fn expire_details(conn: &mut PgConnection, before: DateTime<Utc>, options: &DetailsOptions) -> Result<u64> {
    if options.batch == 0 {
        return Err(Error::invalid("batch", "must be at least 1"));
    }
    let tenant = options.tenants.only();
    let hidden: Hidden = sql_query(sql!("retention/is_hidden")).get_result(conn)?;
    if hidden.is_hidden && tenant.is_none() {
        return Err(CutRejection::RowSecurity(vec!["mailglass_event_details".to_owned()]).into());
    }
    let delete = |conn: &mut PgConnection| {
        let deleted = sql_query(EXPIRE.as_str())
            .bind::<Timestamptz, _>(before)
            .bind::<Nullable<Text>, _>(tenant)
            .bind::<BigInt, _>(i64::from(options.batch))
            .execute(conn)?;
        Ok(deleted)
    };
    let mut expired = 0;
    loop {
        let deleted = match tenant {
            None => retry::with_savepoint(conn, delete)?,
            // Outside of a scope, row-level security would hide the details.
            Some(tenant) => retry::serializable(conn, |conn| tenancy::scoped(conn, tenant, delete))?,
        };
        expired += deleted as u64;
        if deleted < options.batch as usize {
            return Ok(expired);
        }
    }
}
