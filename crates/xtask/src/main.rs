//! The tasks of this repository: `cargo xtask`.

mod catalog;
mod ci;
mod freeze;
mod generated;

use std::path::Path;
use std::process::{Command, ExitCode};
use std::{env, error};

type Failure = Box<dyn error::Error>;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  ci [NAME…]  runs the checks with these names, or all of them
  generate    writes the files that are generated from the migrations
  bless       writes the golden files of the tests and the generated files; read the diff before you commit it
  freeze      writes api/<version>.txt, the promises of the version in Cargo.toml

the checks:
";

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let arguments: Vec<String> = env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["ci", names @ ..] => ci::ci(&root, names),
        ["generate"] => generated::write(&root),
        ["bless"] => bless(&root).and_then(|()| generated::write(&root)),
        ["freeze"] => freeze::write(&root),
        ["--help"] => {
            println!("{USAGE}{}", ci::usage());
            Ok(())
        }
        _ => Err(format!("{USAGE}{}", ci::usage()).into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the tests that have golden files, and lets them write these.
fn bless(root: &Path) -> Result<(), Failure> {
    // Without `-p`, which would build the dependencies with other features.
    let tests = ["cases", "packaged", "statements::", "docs::", "readme"];
    run(cargo(
        root,
        "test --locked --lib --test=contract --test=integration --test=cli --",
    )
    .args(tests)
    .env("BLESS", "1"))
}

/// Cargo in the root of the repository, with the words of a command line.
fn cargo(root: &Path, command: &str) -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(command.split_whitespace()).current_dir(root);
    cargo
}

/// Runs a program, and fails if it fails.
fn run(command: &mut Command) -> Result<(), Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .map_err(|error| format!("{program} can't be run: {error}; .ci/run installs the tools of the checks"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{program}` failed ({status})").into())
    }
}
