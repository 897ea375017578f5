//! The subcommands, each with its arguments and its help.

pub(crate) mod completions;
pub(crate) mod docs;
pub(crate) mod export;
pub(crate) mod grant;
pub(crate) mod migrate;
pub(crate) mod rebuild;
pub(crate) mod reconcile;
pub(crate) mod stats;
pub(crate) mod timeline;
pub(crate) mod verify;

use std::process::ExitCode;

use crate::args::{Arguments, Command, Migrations};
use crate::failure::Failure;
use crate::output::Output;

pub(crate) fn run(arguments: Arguments, output: &mut Output) -> Result<ExitCode, Failure> {
    let database = &arguments.database;
    match arguments.command {
        Command::Migrate(command) => command.run(database, output),
        Command::Migrations(Migrations::Export(command)) => command.run(output),
        Command::Grant(command) => command.run(database, output),
        Command::Verify(command) => command.run(database, output),
        Command::Docs(command) => command.run(database, output),
        Command::Reconcile(command) => command.run(database, output),
        Command::Rebuild(command) => command.run(database, output),
        Command::Timeline(command) => command.run(database, output),
        Command::Stats(command) => command.run(database, output),
        Command::Completions(command) => command.run(output),
    }
}
