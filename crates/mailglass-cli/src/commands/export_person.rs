//! `mailglass export`.

use std::process::ExitCode;

use clap::Args;
use mailglass::privacy;
use serde_json::json;

use crate::connection::DatabaseOptions;
use crate::failure::Failure;
use crate::output::Output;

const LONG: &str = "\
Print everything that is stored about a person of a tenant as one JSON document: the deliveries, their events and details, and \
the events that name the person but have no delivery. Case of ASCII letters does not matter.

The output is JSON also without --json. It is read from one snapshot.";

const AFTER: &str = "\
Example:
  mailglass export acme ann@example.com > ann.json";

/// Print everything that is stored about a person as JSON.
#[derive(Args)]
#[command(long_about = LONG, after_help = AFTER)]
pub(crate) struct ExportPerson {
    /// The tenant.
    tenant: String,

    /// The address of the person.
    address: String,
}

impl ExportPerson {
    pub(crate) fn run(self, database: &DatabaseOptions, output: &mut Output) -> Result<ExitCode, Failure> {
        let mut connection = database.connect_to_migrated()?;
        let export = connection.run(|conn| privacy::export(conn, &self.tenant, &self.address))?;
        output.document(&json!(export))?;
        Ok(ExitCode::SUCCESS)
    }
}
