//! `scratch-postgres COMMAND [ARG…]`: runs COMMAND with a new database on a throwaway server.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};

use nix::sys::signal::{SigSet, Signal};
use scratch_postgres::Server;

const USAGE: &str = "\
usage: scratch-postgres COMMAND [ARG…]

Starts a throwaway PostgreSQL server and runs COMMAND with DATABASE_URL set to
a new empty database. The server's programs (psql, pg_dump, …) come first in
PATH. Exits with the exit status of COMMAND.";

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let Some(program) = arguments.next() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    if program == "--help" || program == "-h" {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    match run(&program, arguments) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("scratch-postgres: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(program: &OsStr, arguments: impl Iterator<Item = OsString>) -> Result<u8, Box<dyn std::error::Error>> {
    let server = Server::start()?;
    let database = server.database()?;
    let own_path = env::var_os("PATH").unwrap_or_default();
    let path = server.bin().map(Path::to_owned).into_iter();
    let path = env::join_paths(path.chain(env::split_paths(&own_path)))?;

    let spawned = Command::new(program)
        .args(arguments)
        .env("DATABASE_URL", database.url())
        .env("PATH", path)
        .spawn();
    let mut child = match spawned {
        Ok(child) => child,
        // The exit statuses of a shell.
        Err(error) => {
            eprintln!("scratch-postgres: could not run {}: {error}", program.display());
            return Ok(if error.kind() == io::ErrorKind::NotFound {
                127
            } else {
                126
            });
        }
    };

    // Ctrl-C is meant for COMMAND, which may handle it and continue, as psql does. The signals are
    // blocked after the spawn, because a child inherits blocked signals.
    let keyboard = SigSet::from_iter([Signal::SIGINT, Signal::SIGQUIT]);
    keyboard.thread_block()?;
    Ok(exit_code(child.wait()?))
}

/// The exit status as a shell reports it: 128 plus the signal if the command was killed by a signal.
fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}
