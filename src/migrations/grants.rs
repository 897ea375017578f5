//! The rights that the application's role needs.

use std::sync::LazyLock;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;

use super::failure::Rejected;
use super::types;
use crate::contract::tables;
use crate::error::{Error, Result};
use crate::sql::{sql, with_parameters};

/// Diesel's table of versions, which [`run`](super::run) and [`list`](super::list) read.
const VERSIONS: &str = "__diesel_schema_migrations";

static SCHEMA_OF_TABLE: LazyLock<String> =
    LazyLock::new(|| with_parameters(&["table"], &[], sql!("migrations/schema_of_table")));

#[derive(QueryableByName)]
struct Schema {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Returns the statements that grant a role the rights that an application needs: to read and write the tables, but not to own
/// them, change the ledger, or migrate. [`run`](super::run) works for such a role if no migration is pending.
///
/// Each string is one statement without a semicolon, to be executed by the owner of the tables. They name the tables that
/// `search_path` finds. The role need not exist yet. It may also need CONNECT on the database, and a `search_path`.
///
/// ```
/// # test_support::with_database(|conn| {
/// for statement in mailglass::migrations::grants(conn, "app")? {
///     println!("{statement};"); // GRANT USAGE ON SCHEMA "public" TO "app"; …
/// }
/// # Ok(())
/// # });
/// ```
///
/// # Errors
/// [`Error::Invalid`] if `role` is empty or not a single role (`public`, `none`), and [`Error::Migration`] if a table is
/// missing.
pub fn grants(conn: &mut PgConnection, role: &str) -> Result<Vec<String>> {
    // Postgres reads these as keywords even if they are quoted.
    if ["", "public", "none"].contains(&role) {
        return Err(Error::invalid("role", format!("{role:?} is not the name of a role")));
    }
    let role = quoted(role);
    let mut schemas = Vec::new();
    let mut on_tables = Vec::new();
    for table in tables().chain([VERSIONS]) {
        let Some(schema) = schema_of(conn, table)? else {
            // Applications with copies of the migrations may record them elsewhere.
            if table == VERSIONS {
                continue;
            }
            return Err(Rejected(format!("there is no table {table}: apply the migrations first")).into());
        };
        let schema = quoted(&schema);
        let rights = match table {
            VERSIONS => "SELECT",
            "mailglass_events" | "mailglass_event_details" | "mailglass_erasures" => "SELECT, INSERT",
            _ => "SELECT, INSERT, UPDATE",
        };
        on_tables.push(format!("GRANT {rights} ON {schema}.{} TO {role}", quoted(table)));
        let usage = format!("GRANT USAGE ON SCHEMA {schema} TO {role}");
        if !schemas.contains(&usage) {
            schemas.push(usage);
        }
    }
    for visible in types::visible(conn)? {
        let usage = format!("GRANT USAGE ON SCHEMA {} TO {role}", quoted(&visible.schema));
        if !schemas.contains(&usage) {
            schemas.push(usage);
        }
    }
    schemas.append(&mut on_tables);
    Ok(schemas)
}

fn schema_of(conn: &mut PgConnection, table: &str) -> Result<Option<String>> {
    let schema: Option<Schema> = sql_query(SCHEMA_OF_TABLE.as_str())
        .bind::<Text, _>(table)
        .get_result(conn)
        .optional()?;
    Ok(schema.map(|schema| schema.name))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
