//! Comparing row-level security with what `tenancy::enable` creates.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Bool, Nullable, Oid, Text};

use super::difference::Difference;
use super::object_kind::ObjectKind;
use super::session::Session;
use super::tables_with_tenants;
use crate::error::Result;
use crate::tenancy::policies::{ALL_TENANTS, TENANT};

/// The definition of the policy for the tenant of the transaction, as PostgreSQL prints it.
const TENANT_DEFINITION: &str = "FOR ALL TO PUBLIC USING (CASE WHEN (tenant_id = ( SELECT \
     NULLIF(current_setting('mailglass.tenant_id'::text, true), ''::text) AS \"nullif\")) THEN true ELSE false END)";

/// The definition of the policy for all tenants.
const ALL_TENANTS_DEFINITION: &str = "FOR ALL TO ROLES USING (true)";

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Bool)]
    is_enabled: bool,
    /// NULL for a table without policies.
    #[diesel(sql_type = Nullable<Text>)]
    policy: Option<String>,
    #[diesel(sql_type = Text)]
    definition: String,
}

/// The differences, if row-level security is enabled for any table. Otherwise policies have no effect.
pub(super) fn differences(conn: &mut PgConnection, session: &Session) -> Result<Vec<Difference>> {
    let found: Vec<Found> = sql_query(include_str!("../sql/contract/policies.sql"))
        .bind::<Array<Nullable<Oid>>, _>(&session.tables)
        .load(conn)?;
    if !found.iter().any(|found| found.is_enabled) {
        return Ok(Vec::new());
    }
    let mut differences = Vec::new();
    for table in tables_with_tenants() {
        let of_table = || found.iter().filter(move |found| found.table_name == table);
        let Some(first) = of_table().next() else {
            continue; // A missing table is reported without its parts.
        };
        if !first.is_enabled {
            differences.push(Difference {
                kind: ObjectKind::Table,
                object: table.to_owned(),
                expected: Some("table with row level security".to_owned()),
                found: Some("table".to_owned()),
                is_harmless: false,
                repair: Some(format!("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")),
            });
        }
        let tenant = of_table().find(|found| found.policy.as_deref() == Some(TENANT));
        let tenant = tenant.map(|found| found.definition.as_str());
        if tenant != Some(TENANT_DEFINITION) {
            differences.push(policy(table, TENANT, Some(TENANT_DEFINITION), tenant));
        }
        for other in of_table() {
            match other.policy.as_deref() {
                None | Some(TENANT) => {}
                Some(ALL_TENANTS) if other.definition == ALL_TENANTS_DEFINITION => {}
                Some(ALL_TENANTS) => {
                    let expected = Some(ALL_TENANTS_DEFINITION);
                    differences.push(policy(table, ALL_TENANTS, expected, Some(&other.definition)));
                }
                Some(name) => differences.push(policy(table, name, None, Some(&other.definition))),
            }
        }
    }
    Ok(differences)
}

/// A policy for roles that the application names shows them more rows. One for everybody opens the tenants, and a restrictive
/// one hides rows from this crate.
fn policy(table: &str, name: &str, expected: Option<&str>, found: Option<&str>) -> Difference {
    let is_for_named_roles =
        found.is_some_and(|definition| definition.contains("TO ROLES") && !definition.starts_with("RESTRICTIVE"));
    Difference {
        kind: ObjectKind::Policy,
        object: format!("{table}.{name}"),
        expected: expected.map(str::to_owned),
        found: found.map(str::to_owned),
        is_harmless: expected.is_none() && is_for_named_roles,
        repair: None,
    }
}
