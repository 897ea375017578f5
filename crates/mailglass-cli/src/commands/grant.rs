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
Print the GRANT statements for the role of the application. With --apply, execute them.

The role gets USAGE of the schema; SELECT and INSERT on mailglass_events, mailglass_event_details and mailglass_erasures; SELECT, \
INSERT and UPDATE on the other two tables; and SELECT on Diesel's __diesel_schema_migrations, so that the application can call migrations::run at start while nothing is \
pending. A role with only these rights can neither change the ledger nor migrate.

Connect as the owner of the tables, which is the role that migrates. With --apply, the role must exist. It also needs CONNECT on \
the database, which every role has by default.";

const AFTER: &str = "\
Examples:
  mailglass grant --role app
  mailglass grant --role app --apply
  mailglass grant --role app | psql \"$DATABASE_URL\"";

/// Print or execute the GRANT statements for the application's role.
#[derive(Args)]
#[command(long_about = LONG, after_help = AFTER)]
pub(crate) struct Grant {
    /// The role that the application connects as, unquoted and in its exact case.
    #[arg(long, value_name = "NAME")]
    role: String,

    /// Execute the statements in one transaction, and print them.
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
