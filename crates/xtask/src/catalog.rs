//! Lists the objects of a migrated database, with which the library compares others.

use std::fs;
use std::path::Path;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Oid, Text};
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use scratch_postgres::Server;

use crate::Failure;

pub(crate) const FILE: &str = "src/contract/catalog.rs";

#[derive(QueryableByName)]
struct Object {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    object: String,
    #[diesel(sql_type = Text)]
    definition: String,
}

#[derive(QueryableByName)]
struct Ours {
    #[diesel(sql_type = Array<Oid>)]
    tables: Vec<u32>,
    #[diesel(sql_type = Array<Oid>)]
    functions: Vec<u32>,
}

/// All objects of the migrations, without the table of Diesel.
const OURS: &str = "
    SELECT
        array(
            SELECT oid
            FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname NOT LIKE '\\_\\_diesel%'
        ) AS tables,
        array(SELECT DISTINCT tgfoid FROM pg_trigger WHERE NOT tgisinternal) AS functions";

pub(crate) fn code(root: &Path) -> Result<String, Failure> {
    let server = Server::from_env_or_start()?;
    let database = server.database()?;
    let mut conn = PgConnection::establish(database.url())?;
    let migrations = FileBasedMigrations::from_path(root.join("migrations"))?;
    conn.run_pending_migrations(migrations)
        .map_err(|error| error.to_string())?;
    let ours: Ours = sql_query(OURS).get_result(&mut conn)?;
    let objects: Vec<Object> = sql_query(fs::read_to_string(root.join("src/sql/contract/catalog.sql"))?)
        .bind::<Array<Oid>, _>(ours.tables)
        .bind::<Array<Oid>, _>(ours.functions)
        .load(&mut conn)?;
    let mut code = String::from(
        "//! The objects of a migrated database: kind, name, and definition as PostgreSQL prints it. Written by\n\
         //! `cargo xtask generate`; never edited.\n\n\
         use super::object_kind::ObjectKind::{self, *};\n\n\
         #[rustfmt::skip]\n\
         pub(super) const CATALOG: &[(ObjectKind, &str, &str)] = &[\n",
    );
    for Object {
        kind,
        object,
        definition,
    } in objects
    {
        let (first, rest) = kind.split_at(1);
        code += &format!("    ({}{rest}, {object:?}, {definition:?}),\n", first.to_uppercase());
    }
    code += "];\n";
    Ok(code)
}
