//! The command line and its help.

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::commands;
use crate::connection::DatabaseOptions;
use crate::failure::Failure;
use crate::output::{Color, Output};

const ABOUT: &str = "\
Migrates, checks and documents the mailglass tables of a PostgreSQL database, links early events, and rebuilds projections.

Every subcommand except `completions`, `migrations export` and `webhook` connects to the database in --database-url or DATABASE_URL. \
Passwords are never printed. Prefer DATABASE_URL or ~/.pgpass, because other users of the machine can read the arguments of a \
process.

On a terminal, results are tables with color. In a pipe, they are tab-separated lines; each table has a header, and a blank \
line separates two tables. With --json, the result is one JSON document. Results go to standard output, everything else to \
standard error.";

const AFTER: &str = "\
Exit codes:
  0    success
  1    `verify`, `verify-checkpoints` or `docs --check` found a problem
  2    invalid command line
  3    no connection to the database or to the endpoint of `webhook send`, or the connection was lost
  4    the database is not migrated, or differs from what this release expects
  5    any other failure: not found, refused, a file that can't be written
  130  interrupted by Ctrl-C or SIGTERM (`reconcile --every` then exits with 0)

With --json, a failure is `{\"error\": {\"code\": …, \"message\": …, \"hint\": …}}` on standard error. The code is usage, \
unreachable, unexpected_database, failed or interrupted. An invalid command line is reported as plain text.

Ctrl-C finishes the current step, then exits. A second Ctrl-C exits at once, and the server rolls back the step.

Examples:
  mailglass migrate
  mailglass verify --projection
  mailglass reconcile --every 30s
  mailglass timeline 0193f0a2-7c4e-7d1a-9c39-0a1b2c3d4e5f";

/// The heading of the options that every subcommand takes.
const GLOBAL: &str = "For every command";

/// Migrates, checks and documents the mailglass tables of a PostgreSQL database.
#[derive(Parser)]
#[command(name = "mailglass", version, long_about = ABOUT, after_long_help = AFTER, after_help = "Exit codes and examples: mailglass --help")]
pub(crate) struct Arguments {
    #[command(flatten, next_help_heading = GLOBAL)]
    database: DatabaseOptions,

    /// Print one JSON document.
    ///
    /// Times are RFC 3339 in UTC with microseconds. `reconcile --every` prints one object per line.
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(crate) json: bool,

    /// When to use color.
    ///
    /// `auto` uses color if standard output is a terminal and NO_COLOR is not set.
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,

    #[command(subcommand)]
    command: Command,
}

impl Arguments {
    pub(crate) fn run(self, output: &mut Output) -> Result<ExitCode, Failure> {
        let database = &self.database;
        match self.command {
            Command::Migrate(command) => command.run(database, output),
            Command::Migrations(Migrations::Export(command)) => command.run(output),
            Command::Grant(command) => command.run(database, output),
            Command::Verify(command) => command.run(database, output),
            Command::Checkpoint(command) => command.run(database, output),
            Command::VerifyCheckpoints(command) => command.run(database, output),
            Command::Docs(command) => command.run(database, output),
            Command::Reconcile(command) => command.run(database, output),
            Command::Outbox(command) => command.run(database, output),
            Command::Rebuild(command) => command.run(database, output),
            Command::Retention(command) => command.run(database, output),
            Command::Timeline(command) => command.run(database, output),
            Command::Stats(command) => command.run(database, output),
            Command::Erase(command) => command.run(database, output),
            Command::Export(command) => command.run(database, output),
            Command::Suppressions(command) => command.run(database, output),
            Command::Webhook(command) => command.run(output),
            Command::Completions(command) => command.run(&mut Arguments::command(), output),
        }
    }
}

#[derive(Subcommand)]
enum Command {
    Migrate(commands::migrate::Migrate),
    /// Work with the migrations as files.
    #[command(subcommand)]
    Migrations(Migrations),
    Grant(commands::grant::Grant),
    Verify(commands::verify::Verify),
    Checkpoint(commands::checkpoint::MakeCheckpoint),
    VerifyCheckpoints(commands::verify_checkpoints::VerifyCheckpoints),
    Docs(commands::docs::Docs),
    Reconcile(commands::reconcile::Reconcile),
    Outbox(commands::outbox::Outbox),
    Rebuild(commands::rebuild::Rebuild),
    Retention(commands::retention::Retention),
    Timeline(commands::timeline::Timeline),
    Stats(commands::stats::Stats),
    Erase(commands::erase::Erase),
    Export(commands::export_person::ExportPerson),
    Suppressions(commands::suppressions::Suppressions),
    Webhook(commands::webhook::Webhook),
    Completions(commands::completions::Completions),
}

#[derive(Subcommand)]
enum Migrations {
    Export(commands::export::Export),
}
