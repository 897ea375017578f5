//! `mailglass grant`.

use std::process::ExitCode;

use clap::Args;
use diesel::Connection as _;
use diesel::prelude::*;
use diesel::sql_query;
use mailglass::migrations;
use serde_json::json;

use crate::connection::DatabaseOptions;
use crate::failure::Failure;
use crate::output::Output;

const LONG: &str = "\
Print the GRANT statements for the role that the application connects as, or execute them with --apply.

They are what the application needs and no more: USAGE of the schema; SELECT and INSERT on mailglass_events; SELECT, INSERT and \
UPDATE on the other two tables; SELECT on Diesel's __diesel_schema_migrations, so that the application can call migrations::run \
at start, which has nothing to do then. A role that has these rights alone can't change the ledger, and can't migrate.

Connect as the role that owns the tables: as the one that migrates. The application's role must be there with --apply. It needs \
CONNECT on the database, which everybody has unless it was revoked.";

const AFTER: &str = "\
Examples:
  mailglass grant --role app
  mailglass grant --role app --apply
  mailglass grant --role app | psql \"$DATABASE_URL\"";

/// Print or execute what the application's role has to be granted.
#[derive(Args)]
#[command(long_about = LONG, after_help = AFTER)]
pub(crate) struct Grant {
    /// The role that the application connects as, unquoted and in its own case.
    #[arg(long, value_name = "NAME")]
    role: String,

    /// Execute the statements, as one transaction, and print them.
    #[arg(long)]
    apply: bool,
}

impl Grant {
    pub(crate) fn run(self, database: &DatabaseOptions, output: &mut Output) -> Result<ExitCode, Failure> {
        let mut connection = database.connect_to_migrated()?;
        let statements = connection.run(|conn| migrations::grants(conn, &self.role))?;
        if self.apply {
            connection.run(|conn| {
                conn.transaction(|conn| {
                    for statement in &statements {
                        sql_query(statement).execute(conn)?;
                    }
                    Ok(())
                })
            })?;
        }
        if output.is_json() {
            output.document(&json!({"statements": statements, "is_applied": self.apply}))?;
            return Ok(ExitCode::SUCCESS);
        }
        for statement in &statements {
            output.line(&format!("{statement};"))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
