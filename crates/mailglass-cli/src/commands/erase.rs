//! `mailglass erase`.

use std::process::ExitCode;

use clap::Args;
use mailglass::privacy::{self, EraseOptions, Mention};
use serde_json::json;

use crate::connection::DatabaseOptions;
use crate::failure::Failure;
use crate::output::Output;

const LONG: &str = "\
Erase a person from the data of a tenant, in one transaction.

The recipient of each delivery becomes a random pseudonym, the details of its events (IP address, user agent, links, server \
replies) are deleted, suppressions lose the address and stay in force, and mailglass_erasures records when and how many rows, \
without the address. The events stay. Case of ASCII letters does not matter.

Rows whose metadata, last_error, payload or keys still contain the address are listed: the application put it there. Change the \
deliveries with its own code. An event can't be changed; it leaves with `mailglass retention`.";

const AFTER: &str = "\
Examples:
  mailglass export acme ann@example.com > ann.json
  mailglass erase acme ann@example.com
  mailglass erase acme ann@example.com --keep-domain";

/// Erase a person from the data of a tenant.
#[derive(Args)]
#[command(long_about = LONG, after_help = AFTER)]
pub(crate) struct Erase {
    /// The tenant.
    tenant: String,

    /// The address of the person.
    address: String,

    /// Keep recipient_domain of the deliveries, for statistics.
    #[arg(long)]
    keep_domain: bool,
}

impl Erase {
    pub(crate) fn run(self, database: &DatabaseOptions, output: &mut Output) -> Result<ExitCode, Failure> {
        let options = EraseOptions {
            keep_domain: self.keep_domain,
        };
        let mut connection = database.connect_to_migrated()?;
        let erased = connection.run(|conn| privacy::erase_with(conn, &self.tenant, &self.address, &options))?;
        if output.is_json() {
            output.document(&json!(erased))?;
            return Ok(ExitCode::SUCCESS);
        }
        let erasure = &erased.erasure;
        let counts = vec![
            ["deliveries".into(), erasure.deliveries.into()],
            ["event_details".into(), erasure.event_details.into()],
            ["event_links".into(), erasure.event_links.into()],
            ["suppressions".into(), erasure.suppressions.into()],
        ];
        output.table("Erased", ["table", "rows"], counts)?;
        if !erased.mentions.is_empty() {
            let mention = |mention: &Mention| {
                [
                    mention.table.into(),
                    mention.id.into(),
                    mention.columns.join(", ").into(),
                ]
            };
            let mentions = erased.mentions.iter().map(mention).collect();
            output.table("Still contain the address", ["table", "id", "columns"], mentions)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
