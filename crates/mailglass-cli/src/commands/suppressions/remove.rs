//! `mailglass suppressions remove`.

use clap::Args;
use mailglass::{SuppressionReason, suppressions, tenancy};
use serde_json::json;

use super::{HEADER, SubjectArguments, row};
use crate::connection::DatabaseOptions;
use crate::failure::Failure;
use crate::output::Output;

const LONG: &str = "\
Remove the suppressions of an address, of a domain, or of an address in one stream, and print them.

Others stay: removing an address leaves a suppression of its domain, or of the address in one stream.";

const AFTER: &str = "\
Examples:
  mailglass suppressions remove acme ann@example.com
  mailglass suppressions remove acme ann@example.com --stream bulk
  mailglass suppressions remove acme example.org --domain --reason policy";

/// Remove suppressions.
#[derive(Args)]
#[command(long_about = LONG, after_help = AFTER)]
pub(crate) struct Remove {
    /// The tenant.
    tenant: String,

    #[command(flatten)]
    subject: SubjectArguments,

    /// Only the suppression with this reason.
    #[arg(long)]
    reason: Option<SuppressionReason>,
}

impl Remove {
    pub(super) fn run(self, database: &DatabaseOptions, output: &mut Output) -> Result<(), Failure> {
        let subject = self.subject.subject();
        let mut connection = database.connect_to_this_release()?;
        let removed = connection.run(|conn| {
            tenancy::scoped(conn, &self.tenant, |conn| {
                suppressions::remove(conn, &self.tenant, &subject, self.reason)
            })
        })?;
        if output.is_json() {
            return output.document(&json!({"removed": removed}));
        }
        if removed.is_empty() {
            output.note("not suppressed; nothing was removed");
        }
        output.table("Removed", HEADER, removed.iter().map(row).collect())
    }
}
