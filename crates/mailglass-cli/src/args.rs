//! What can be said on the command line, and its help.

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::commands;
use crate::connection::DatabaseOptions;
use crate::failure::Failure;
use crate::output::{Color, Output};

const ABOUT: &str = "\
Looks after mailglass in a PostgreSQL database: migrates it, checks it, links what arrived too early, and shows what is there.

Every subcommand but `completions` and `migrations export` works on the database that --database-url or DATABASE_URL names. \
Passwords are never printed; prefer DATABASE_URL or ~/.pgpass all the same, because anybody on the machine can read a \
process's arguments.

On a terminal there are tables and colour. Piped, there are tab-separated lines, each table with a header, and a blank line \
between two. With --json there is one JSON document. What is asked for goes to standard output, everything else to standard \
error.";

const AFTER: &str = "\
Exit codes:
  0    all is well
  1    a check found something (`verify`, `docs --check`)
  2    the command line is wrong
  3    the database can't be reached, or went away
  4    the database isn't migrated, or isn't what this release expects
  5    anything else: not found, refused, a file that can't be written
  130  interrupted (Ctrl-C, SIGTERM); `reconcile --every`, which ends so, exits with 0

With --json, a failure is `{\"error\": {\"code\": …, \"message\": …, \"hint\": …}}` on standard error. Its code is one of usage, \
unreachable, unexpected_database, failed and interrupted. A command line that can't be read is told in words.

Ctrl-C lets a command that works in steps finish the step at hand; a second one ends it at once, and the server rolls back \
the step. Nothing is left half done.

Examples:
  mailglass migrate
  mailglass verify --projection
  mailglass reconcile --every 30s
  mailglass timeline 0193f0a2-7c4e-7d1a-9c39-0a1b2c3d4e5f";

/// The heading of the options that every subcommand takes.
const GLOBAL: &str = "For every command";

/// Looks after mailglass in a PostgreSQL database.
#[derive(Parser)]
#[command(name = "mailglass", version, long_about = ABOUT, after_long_help = AFTER, after_help = "Exit codes and examples: mailglass --help")]
pub(crate) struct Arguments {
    #[command(flatten, next_help_heading = GLOBAL)]
    database: DatabaseOptions,

    /// Answer with one JSON document.
    ///
    /// Times are RFC 3339 in UTC with microseconds. `reconcile --every` writes an object a line.
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(crate) json: bool,

    /// When to use colour.
    ///
    /// By itself where standard output is a terminal and NO_COLOR isn't set.
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
            Command::Docs(command) => command.run(database, output),
            Command::Reconcile(command) => command.run(database, output),
            Command::Rebuild(command) => command.run(database, output),
            Command::Timeline(command) => command.run(database, output),
            Command::Stats(command) => command.run(database, output),
            Command::Completions(command) => command.run(&mut Arguments::command(), output),
        }
    }
}

#[derive(Subcommand)]
enum Command {
    Migrate(commands::migrate::Migrate),
    /// The migrations as files.
    #[command(subcommand)]
    Migrations(Migrations),
    Grant(commands::grant::Grant),
    Verify(commands::verify::Verify),
    Docs(commands::docs::Docs),
    Reconcile(commands::reconcile::Reconcile),
    Rebuild(commands::rebuild::Rebuild),
    Timeline(commands::timeline::Timeline),
    Stats(commands::stats::Stats),
    Completions(commands::completions::Completions),
}

#[derive(Subcommand)]
enum Migrations {
    Export(commands::export::Export),
}
