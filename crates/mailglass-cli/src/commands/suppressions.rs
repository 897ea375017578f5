//! `mailglass suppressions`.

mod add;
mod csv;
mod import;
mod list;
mod remove;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use mailglass::Stream;
use mailglass::suppressions::{Subject, Suppression};

use crate::connection::DatabaseOptions;
use crate::failure::Failure;
use crate::output::{Cell, Output, or_empty, time};

const LONG: &str = "\
Add, remove, list and import suppressions: recipients that get no mail.

A suppression is of an address, of a domain, or of an address in one stream. Case of ASCII letters does not matter.";

const AFTER: &str = "\
Examples:
  mailglass suppressions add acme ann@example.com --reason complaint
  mailglass suppressions add acme example.org --domain --for 30days
  mailglass suppressions remove acme ann@example.com
  mailglass suppressions list --tenant acme --in-force
  mailglass suppressions import acme bounces.csv --reason hard_bounce";

/// Add, remove, list and import suppressions.
#[derive(Args)]
#[command(long_about = LONG, after_help = AFTER)]
pub(crate) struct Suppressions {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Add(add::Add),
    Remove(remove::Remove),
    List(list::List),
    Import(import::Import),
}

impl Suppressions {
    pub(crate) fn run(self, database: &DatabaseOptions, output: &mut Output) -> Result<ExitCode, Failure> {
        match self.command {
            Command::Add(command) => command.run(database, output)?,
            Command::Remove(command) => command.run(database, output)?,
            Command::List(command) => command.run(database, output)?,
            Command::Import(command) => command.run(database, output)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The subject of `add` and `remove`.
#[derive(Args)]
struct SubjectArguments {
    /// The address; with --domain, the domain.
    address: String,

    /// The argument is a domain, and every address of it is meant.
    #[arg(long, conflicts_with = "stream")]
    domain: bool,

    /// Only mail of this stream: transactional, operational or bulk.
    #[arg(long)]
    stream: Option<Stream>,
}

impl SubjectArguments {
    fn subject(&self) -> Subject {
        let address = self.address.clone();
        match self.stream {
            Some(stream) => Subject::AddressInStream(address, stream),
            None if self.domain => Subject::Domain(address),
            None => Subject::Address(address),
        }
    }
}

const HEADER: [&str; 7] = ["tenant", "scope", "stream", "address", "reason", "since", "until"];

fn row(suppression: &Suppression) -> [Cell; 7] {
    [
        suppression.tenant_id.as_str().into(),
        suppression.scope.as_str().into(),
        or_empty(&suppression.stream),
        or_empty(&suppression.address),
        suppression.reason.as_str().into(),
        time(&suppression.since).into(),
        or_empty(&suppression.until.as_ref().map(time)),
    ]
}
