//! The statements that grant a kind of access.

use std::sync::LazyLock;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Bool, Nullable, Text};

use super::access::Access;
use super::name::quoted_role;
use super::rights::{self, Rights, VERSIONS};
use crate::error::{Error, Result};
use crate::migrations;
use crate::sql::{quoted, sql, with_parameters};
use crate::tenancy::policies::ALL_TENANTS;

static TABLES: LazyLock<String> = LazyLock::new(|| with_parameters(&["names", "policy"], &[], sql!("roles/tables")));

/// A table that `search_path` finds.
#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    schema: String,
    /// The roles that its policy for all tenants names; NULL without such a policy.
    #[diesel(sql_type = Nullable<Array<Text>>)]
    policy_roles: Option<Vec<String>>,
    /// Whether it has a column `tenant_id`.
    #[diesel(sql_type = Bool)]
    has_tenants: bool,
}

impl Found {
    fn qualified(&self) -> String {
        format!("{}.{}", quoted(&self.schema), quoted(&self.name))
    }
}

/// Grants a role the rights of a kind of access, in one transaction, as the owner of the tables. It takes no right away.
///
/// # Errors
/// As [`statements`], and [`Error::Database`] if the role does not exist or the connection's role does not own the tables.
pub fn grant(conn: &mut PgConnection, role: &str, access: Access) -> Result<()> {
    conn.transaction(|conn| {
        for statement in statements(conn, role, access)? {
            sql_query(statement).execute(conn)?;
        }
        Ok(())
    })
}

/// The statements of [`grant`].
///
/// Each string is one statement without a semicolon, to be executed by the owner of the tables. They name the tables that
/// `search_path` finds. The role need not exist yet. It may also need CONNECT on the database, and a `search_path`.
///
/// If the access is to all tenants, a statement adds the role to the policy `mailglass_all_tenants` of the table. The policy
/// has no effect unless row-level security is [enabled](crate::tenancy::enable).
///
/// # Errors
/// [`Error::Invalid`] if `role` is empty, not a single role (`public`, `none`) or longer than 63 bytes, and
/// [`Error::Migration`] if a table is missing.
pub fn statements(conn: &mut PgConnection, role: &str, access: Access) -> Result<Vec<String>> {
    let grantee = quoted_role(role)?;
    let mut names: Vec<&str> = rights::of(access).map(|rights| rights.table).collect();
    names.dedup();
    let tables: Vec<Found> = sql_query(TABLES.as_str())
        .bind::<Array<Text>, _>(&names)
        .bind::<Text, _>(ALL_TENANTS)
        .load(conn)?;
    let mut schemas: Vec<String> = tables.iter().map(|table| table.schema.clone()).collect();
    schemas.extend(migrations::schemas_of_types(conn)?);
    let mut statements = Vec::new();
    for schema in schemas {
        push_new(
            &mut statements,
            format!("GRANT USAGE ON SCHEMA {} TO {grantee}", quoted(&schema)),
        );
    }
    for name in names {
        let Some(table) = tables.iter().find(|table| table.name == name) else {
            // Applications with copies of the migrations may record them elsewhere.
            if name == VERSIONS {
                continue;
            }
            let missing = format!("there is no table {name}: apply the migrations first");
            return Err(Error::Migration(missing.into()));
        };
        let on_table = || rights::of(access).filter(|rights| rights.table == name);
        let granted: Vec<&str> = on_table().map(|rights| rights.rights).collect();
        statements.push(format!(
            "GRANT {} ON {} TO {grantee}",
            granted.join(", "),
            table.qualified()
        ));
        if on_table().any(|rights: &Rights| rights.all_tenants) && table.has_tenants {
            statements.extend(policy(table, role, &grantee));
        }
    }
    Ok(statements)
}

/// The statement that adds the role to the policy for all tenants, unless it is there.
fn policy(table: &Found, role: &str, grantee: &str) -> Option<String> {
    let table_name = table.qualified();
    let Some(present) = &table.policy_roles else {
        return Some(format!(
            "CREATE POLICY {ALL_TENANTS} ON {table_name} TO {grantee} USING (true)"
        ));
    };
    if present.iter().any(|present| present == role) {
        return None;
    }
    let mut all: Vec<String> = present.iter().map(|present| quoted(present)).collect();
    all.push(grantee.to_owned());
    Some(format!(
        "ALTER POLICY {ALL_TENANTS} ON {table_name} TO {}",
        all.join(", ")
    ))
}

fn push_new(statements: &mut Vec<String>, statement: String) {
    if !statements.contains(&statement) {
        statements.push(statement);
    }
}
