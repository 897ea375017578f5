//! `mailglass suppressions list`.

use clap::Args;
use mailglass::suppressions::{self, ListOptions, Suppression};
use mailglass::tenancy::{self, Tenants};
use mailglass::{Stream, SuppressionReason, SuppressionScope};
use serde_json::json;

use super::{HEADER, row};
use crate::connection::{Connection, DatabaseOptions};
use crate::failure::Failure;
use crate::output::Output;

const LONG: &str = "\
List suppressions by tenant, the latest first.

An address is empty if it is not kept, or was erased.";

const AFTER: &str = "\
Examples:
  mailglass suppressions list --tenant acme
  mailglass suppressions list --reason complaint --in-force --limit 10
  mailglass suppressions list --json > suppressions.json";

/// The suppressions that are read at once.
const PAGE: u32 = 1_000;

/// List suppressions.
#[derive(Args)]
#[command(long_about = LONG, after_help = AFTER)]
pub(crate) struct List {
    /// List only this tenant's.
    #[arg(long)]
    tenant: Option<String>,

    /// List only this scope: address, domain or address_stream.
    #[arg(long)]
    scope: Option<SuppressionScope>,

    /// List only those of an address in this stream.
    #[arg(long)]
    stream: Option<Stream>,

    /// List only this reason.
    #[arg(long)]
    reason: Option<SuppressionReason>,

    /// Leave out those that have ended, or begin later.
    #[arg(long)]
    in_force: bool,

    /// List at most this many; all by default.
    #[arg(long, value_name = "SUPPRESSIONS", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
}

impl List {
    pub(super) fn run(self, database: &DatabaseOptions, output: &mut Output) -> Result<(), Failure> {
        let mut connection = database.connect_to_this_release()?;
        let listed = self.read(&mut connection)?;
        if output.is_json() {
            return output.document(&json!({"suppressions": listed}));
        }
        output.table("Suppressions", HEADER, listed.iter().map(row).collect())
    }

    fn read(&self, connection: &mut Connection) -> Result<Vec<Suppression>, Failure> {
        let mut options = ListOptions {
            scope: self.scope,
            stream: self.stream,
            reason: self.reason,
            in_force: self.in_force,
            ..ListOptions::all_tenants()
        };
        if let Some(tenant) = &self.tenant {
            options.tenants = Tenants::Only(tenant.clone());
        }
        let limit = self.limit.map_or(usize::MAX, |limit| limit as usize);
        let mut listed: Vec<Suppression> = Vec::new();
        loop {
            let missing = u32::try_from(limit - listed.len()).unwrap_or(u32::MAX);
            options.limit = missing.min(PAGE);
            let page = connection.run(|conn| match &self.tenant {
                Some(tenant) => tenancy::scoped(conn, tenant, |conn| suppressions::list(conn, &options)),
                None => suppressions::list(conn, &options),
            })?;
            let is_last = page.len() < options.limit as usize;
            options.after = page.last().cloned();
            listed.extend(page);
            if is_last || listed.len() >= limit {
                return Ok(listed);
            }
        }
    }
}
