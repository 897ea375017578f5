//! `mailglass grant`.

use std::process::ExitCode;

use clap::Args;
use diesel::Connection as _;
use diesel::prelude::*;
use diesel::sql_query;
use mailglass::roles::{self, Access};
use serde_json::json;

use crate::connection::DatabaseOptions;
use crate::failure::Failure;
use crate::output::Output;

const LONG: &str = "\
Print the GRANT statements for a role. With --apply, execute them.

The rights are the least that a kind of access needs:

app         what an application does for a tenant: insert, record, read, update, sweep, rebuild
worker      claim, send, and record the steps of sending
sender      the same for all tenants
reader      read everything except event details
reconciler  reconcile, stats, verify, rebuild and reading the outbox, for all tenants
privacy     erase and export a person
retention   delete event details that have expired, for all tenants

Every role also gets USAGE of the schema, and SELECT on Diesel's __diesel_schema_migrations, so that it can check the migrations \
at start. No role can change the ledger or migrate. With row-level security, a role sees the tenant of its transaction or, where \
the list says so, all tenants.

Connect as the owner of the tables, which is the role that migrates. With --apply, the role must exist. It also needs CONNECT on \
the database, which every role has by default.";

const AFTER: &str = "\
Examples:
  mailglass grant --role app
  mailglass grant --role mail_reconciler --access reconciler --apply
  mailglass grant --role app | psql \"$DATABASE_URL\"";

/// Print or execute the GRANT statements for a role.
#[derive(Args)]
#[command(long_about = LONG, after_help = AFTER)]
pub(crate) struct Grant {
    /// The role, unquoted and in its exact case.
    #[arg(long, value_name = "NAME")]
    role: String,

    /// What the role may do: app, worker, sender, reader, reconciler, privacy or retention.
    #[arg(long, value_name = "ACCESS", default_value_t = Access::App)]
    access: Access,

    /// Execute the statements in one transaction, and print them.
    #[arg(long)]
    apply: bool,
}

impl Grant {
    pub(crate) fn run(self, database: &DatabaseOptions, output: &mut Output) -> Result<ExitCode, Failure> {
        let mut connection = database.connect_to_migrated()?;
        let statements = connection.run(|conn| roles::statements(conn, &self.role, self.access))?;
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
            output.document(
                &json!({"access": self.access.as_str(), "statements": statements, "is_applied": self.apply}),
            )?;
            return Ok(ExitCode::SUCCESS);
        }
        for statement in &statements {
            output.line(&format!("{statement};"))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
