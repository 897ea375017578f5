//! Setting the tenant of a transaction.

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};

use crate::sql::{Bound, Tenant, statement};

statement! {
    /// Sets the tenant, and returns the one before.
    struct Enter(tenant: Tenant) -> (Nullable<Text>, Text) {
        => "tenancy/enter"
    }
}

/// Sets the tenant for the rest of the transaction, and returns the one before, if any. An empty one means none.
pub(super) fn enter(conn: &mut PgConnection, tenant_id: &str) -> QueryResult<Option<String>> {
    let (before, _): (Option<String>, String) = Bound::<Enter>::new(&Tenant(tenant_id)).get_result(conn)?;
    // A setting that was set once in a session is empty afterwards, not NULL.
    Ok(before.filter(|tenant_id| !tenant_id.is_empty()))
}
