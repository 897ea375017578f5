//! `mailglass webhook`.

mod normalize;
mod send;

use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use mailglass_webhooks::{MAX_BODY_BYTES, Provider};

use crate::failure::Failure;
use crate::output::Output;

const LONG: &str = "\
Show what the webhooks of a provider mean, or post a signed sample to an endpoint.

Neither connects to a database.";

const AFTER: &str = "\
Examples:
  mailglass webhook normalize sendgrid --tenant acme < body.json
  mailglass webhook send postmark --to http://localhost:8080/hook --secret-env WEBHOOK_SECRET";

/// Read a provider's webhooks, or post a signed sample.
#[derive(Args)]
#[command(long_about = LONG, after_help = AFTER)]
pub(crate) struct Webhook {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Normalize(normalize::Normalize),
    Send(send::Send),
}

impl Webhook {
    pub(crate) fn run(self, output: &mut Output) -> Result<ExitCode, Failure> {
        match self.command {
            Command::Normalize(command) => command.run(output)?,
            Command::Send(command) => command.run(output)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Parses the name of a provider. The help lists them.
fn provider_parser() -> impl TypedValueParser<Value = Provider> {
    PossibleValuesParser::new(Provider::ALL.iter().map(|provider| provider.name()))
        .try_map(|name| name.parse::<Provider>())
}

/// Reads a body, and at most one byte more than a body may have: the library refuses it then.
fn read_body(from: impl Read, path: &Path) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    from.take(MAX_BODY_BYTES as u64 + 1)
        .read_to_end(&mut body)
        .map_err(|error| Failure::of_file(path, &error))?;
    Ok(body)
}
