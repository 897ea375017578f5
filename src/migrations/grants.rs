//! What the application's role needs.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Nullable, Text};

use super::failure::Refused;
use crate::contract::tables;
use crate::error::{Error, Result};

/// Diesel's table of versions, which [`run`](super::run) and [`list`](super::list) read.
const VERSIONS: &str = "__diesel_schema_migrations";

#[derive(QueryableByName)]
struct Schema {
    #[diesel(sql_type = Nullable<Text>)]
    name: Option<String>,
}

/// The statements that give a role what the application needs and no more: it owns nothing, can't change the ledger, and can't
/// migrate. With nothing pending, [`run`](super::run) works for it.
///
/// They are for the tables that this connection's `search_path` finds, each is one statement without a semicolon, and who executes
/// them owns the tables. The role need not be there yet. It may have to be granted CONNECT on the database, and `search_path` is
/// yours to set.
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
/// [`Error::Invalid`] if `role` is empty or stands for no single role (`public`, `none`), [`Error::Migration`] if a table is
/// missing.
pub fn grants(conn: &mut PgConnection, role: &str) -> Result<Vec<String>> {
    // Postgres takes these for key words even where they are quoted.
    if ["", "public", "none"].contains(&role) {
        return Err(Error::invalid("role", format!("{role:?} is not the name of a role")));
    }
    let role = quoted(role);
    let mut schemas = Vec::new();
    let mut on_tables = Vec::new();
    for table in tables().chain([VERSIONS]) {
        let Some(schema) = schema_of(conn, table)? else {
            // Whoever exported the migrations may record them elsewhere.
            if table == VERSIONS {
                continue;
            }
            return Err(Refused(format!("there is no table {table}: apply the migrations first")).into());
        };
        let schema = quoted(&schema);
        let rights = match table {
            VERSIONS => "SELECT",
            "mailglass_events" => "SELECT, INSERT",
            _ => "SELECT, INSERT, UPDATE",
        };
        on_tables.push(format!("GRANT {rights} ON {schema}.{} TO {role}", quoted(table)));
        let usage = format!("GRANT USAGE ON SCHEMA {schema} TO {role}");
        if !schemas.contains(&usage) {
            schemas.push(usage);
        }
    }
    schemas.append(&mut on_tables);
    Ok(schemas)
}

fn schema_of(conn: &mut PgConnection, table: &str) -> Result<Option<String>> {
    let schema = "SELECT (SELECT namespace.nspname::text FROM pg_catalog.pg_class AS class
                            JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
                           WHERE class.oid = pg_catalog.to_regclass($1)) AS name";
    let Schema { name } = sql_query(schema).bind::<Text, _>(table).get_result(conn)?;
    Ok(name)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
