//! The command `mailglass`: migrations, health checks, the reconciler as a service, reports and schema docs.
//!
//! It uses only the public API of the library. Each subcommand is a file in `commands`.

mod args;
mod commands;
mod connection;
mod diagnosis;
mod failure;
mod interrupt;
mod output;
mod schema_docs;
mod tenants;

use std::process::ExitCode;

use args::Arguments;
use clap::Parser as _;
use output::Output;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut output = Output::new(arguments.json, arguments.color);
    let done = interrupt::install(arguments.json).and_then(|()| arguments.run(&mut output));
    match done {
        Ok(code) => code,
        Err(failure) => {
            failure.report(output.is_json());
            failure.exit_code()
        }
    }
}
