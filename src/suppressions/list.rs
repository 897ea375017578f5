//! Listing suppressions, a page at a time.

use std::sync::LazyLock;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};

use super::suppression::Suppression;
use crate::error::Result;
use crate::models::{Stream, SuppressionReason, SuppressionScope};
use crate::sql::{sql, with_parameters};
use crate::tenancy::Tenants;

static LIST: LazyLock<String> = LazyLock::new(|| {
    with_parameters(
        &[
            "tenant",
            "after_tenant",
            "latest",
            "after_id",
            "scope",
            "stream",
            "reason",
            "in_force",
            "limit",
        ],
        &[],
        sql!("suppressions/list"),
    )
});

/// Which suppressions [`list`] returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListOptions {
    /// The tenants.
    pub tenants: Tenants,
    /// Only this scope.
    pub scope: Option<SuppressionScope>,
    /// Only those of an address in this stream.
    pub stream: Option<Stream>,
    /// Only this reason.
    pub reason: Option<SuppressionReason>,
    /// Only those that are in force now. By default, also expired ones and those that begin later.
    pub in_force: bool,
    /// At most so many; 1,000 by default.
    pub limit: u32,
    /// The last suppression of the page before.
    pub after: Option<Suppression>,
}

impl ListOptions {
    /// The suppressions of all tenants. With row-level security, it needs a role with
    /// [`Access::Sender`](crate::roles::Access::Sender) or [`Access::Reconciler`](crate::roles::Access::Reconciler).
    pub fn all_tenants() -> Self {
        ListOptions::new(Tenants::All)
    }

    /// The suppressions of one tenant.
    pub fn of_tenant(tenant_id: impl Into<String>) -> Self {
        ListOptions::new(Tenants::Only(tenant_id.into()))
    }

    fn new(tenants: Tenants) -> Self {
        ListOptions {
            tenants,
            scope: None,
            stream: None,
            reason: None,
            in_force: false,
            limit: 1_000,
            after: None,
        }
    }
}

/// Lists suppressions by tenant, the latest first. For the next page, give the last one as [`after`](ListOptions::after): a page
/// takes the same time wherever it begins.
///
/// ```
/// # test_support::with_database(|conn| {
/// use mailglass::SuppressionReason;
/// use mailglass::suppressions::{self, ListOptions, NewSuppression};
///
/// let addresses = ["ann@example.com", "bob@example.com", "cid@example.com"];
/// let new = addresses.map(|address| NewSuppression::address("acme", address, SuppressionReason::Manual));
/// suppressions::add(conn, &new)?;
///
/// let mut options = ListOptions { limit: 2, ..ListOptions::of_tenant("acme") };
/// let mut pages = Vec::new();
/// loop {
///     let page = suppressions::list(conn, &options)?;
///     let Some(last) = page.last() else { break };
///     options.after = Some(last.clone());
///     pages.push(page.len());
/// }
/// assert_eq!(pages, [2, 1]);
/// # Ok(()) });
/// ```
///
/// # Errors
/// [`Error::Database`](crate::Error::Database).
pub fn list(conn: &mut PgConnection, options: &ListOptions) -> Result<Vec<Suppression>> {
    let after = options.after.as_ref();
    match (&options.tenants, after) {
        (Tenants::Only(tenant_id), _) => {
            // A page of another tenant has no successor here.
            let after = after.filter(|after| after.tenant_id == *tenant_id);
            page(conn, options, Some(tenant_id), None, after, options.limit)
        }
        (Tenants::All, None) => page(conn, options, None, None, None, options.limit),
        (Tenants::All, Some(after)) => {
            let tenant_id = after.tenant_id.as_str();
            let mut found = page(conn, options, Some(tenant_id), None, Some(after), options.limit)?;
            let rest = u32::try_from(found.len()).map_or(0, |count| options.limit.saturating_sub(count));
            if rest > 0 {
                found.extend(page(conn, options, None, Some(tenant_id), None, rest)?);
            }
            Ok(found)
        }
    }
}

/// A page of one tenant, or of the tenants after one. `sql_query` is planned for its values, so a filter that is absent costs nothing.
fn page(
    conn: &mut PgConnection,
    options: &ListOptions,
    tenant_id: Option<&str>,
    after_tenant: Option<&str>,
    after: Option<&Suppression>,
    limit: u32,
) -> Result<Vec<Suppression>> {
    let listed = sql_query(LIST.as_str())
        .bind::<Nullable<Text>, _>(tenant_id)
        .bind::<Nullable<Text>, _>(after_tenant)
        .bind::<Nullable<Timestamptz>, _>(after.map(|after| after.since))
        .bind::<Nullable<SqlUuid>, _>(after.map(|after| after.id))
        .bind::<Nullable<Text>, _>(options.scope.map(SuppressionScope::as_str))
        .bind::<Nullable<Text>, _>(options.stream.map(Stream::as_str))
        .bind::<Nullable<Text>, _>(options.reason.map(SuppressionReason::as_str))
        .bind::<Bool, _>(options.in_force)
        .bind::<BigInt, _>(i64::from(limit));
    Ok(listed.load(conn)?)
}
