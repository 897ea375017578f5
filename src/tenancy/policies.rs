//! The policies of row-level security.

use diesel::prelude::*;
use diesel::sql_query;

use crate::contract::tables_with_tenants;
use crate::error::Result;

/// The policy that shows the rows of the transaction's tenant.
pub(crate) const TENANT: &str = "mailglass_tenant";

/// The policy that shows the rows of all tenants to the roles that it names.
pub(crate) const ALL_TENANTS: &str = "mailglass_all_tenants";

/// The rows of the transaction's tenant, for reading and writing. Without a tenant the setting is NULL or empty: no rows.
///
/// The subquery is evaluated once per statement. CASE keeps the comparison out of the index conditions: a plan that was made for a
/// small table would use an index by tenant, and read the whole tenant. (Measured: with a plain `=`, one `record` read 60,000
/// rows of a tenant with 20,000 deliveries.) It also keeps it out of the estimates: the statements
/// name the tenant as well, so the planner would count it twice and expect too few rows.
const IS_TENANTS: &str = "CASE WHEN tenant_id = (SELECT nullif(pg_catalog.current_setting('mailglass.tenant_id', true), '')) \
     THEN true ELSE false END";

/// Enables row-level security: from now on, a role that neither owns the tables nor bypasses row-level security sees and
/// writes only the rows of the tenant that [`scoped`](super::scoped) sets.
///
/// It applies to every table of this crate with a `tenant_id`. Call it again after the migrations of a new release, which may
/// add tables. It locks the tables for a moment, and so waits for transactions that use them.
///
/// Deploy `scoped` first: a call outside of a scope reads nothing and is rejected if it writes.
///
/// # Errors
/// [`Error::Database`](crate::Error::Database): a table is missing, or the role does not own the tables.
pub fn enable(conn: &mut PgConnection) -> Result<()> {
    execute(conn, &enable_statements())
}

/// The statements of [`enable`], for a migration of your own. Each string is one statement without a semicolon, to be executed
/// by the owner of the tables. They name the tables that `search_path` finds.
///
/// ```
/// for statement in mailglass::tenancy::enable_statements() {
///     println!("{statement};\n"); // CREATE POLICY mailglass_tenant ON mailglass_deliveries …
/// }
/// ```
pub fn enable_statements() -> Vec<String> {
    let of_table = |table| {
        [
            drop_policy(table),
            format!("CREATE POLICY {TENANT} ON {table}\n    USING ({IS_TENANTS})"),
            format!("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"),
        ]
    };
    tables_with_tenants().flat_map(of_table).collect()
}

/// Disables row-level security and drops the policies of [`enable`].
///
/// # Errors
/// As [`enable`].
pub fn disable(conn: &mut PgConnection) -> Result<()> {
    execute(conn, &disable_statements())
}

/// The statements of [`disable`], as [`enable_statements`].
pub fn disable_statements() -> Vec<String> {
    let of_table = |table| {
        [
            format!("ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"),
            drop_policy(table),
        ]
    };
    tables_with_tenants().flat_map(of_table).collect()
}

fn drop_policy(table: &str) -> String {
    format!("DROP POLICY IF EXISTS {TENANT} ON {table}")
}

fn execute(conn: &mut PgConnection, statements: &[String]) -> Result<()> {
    conn.transaction(|conn| {
        for statement in statements {
            sql_query(statement).execute(conn)?;
        }
        Ok(())
    })
}
