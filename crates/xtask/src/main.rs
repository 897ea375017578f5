//! Writes the generated files that are committed: `cargo run -p xtask`.

mod catalog;
mod freeze;

use std::path::Path;
use std::process::ExitCode;
use std::{env, error};

type Failure = Box<dyn error::Error>;

const USAGE: &str = "usage: cargo run -p xtask -- <command>
  catalog  writes src/contract/catalog.rs, the objects of a migrated database
  freeze   writes api/<version>.txt, the promises of the version in Cargo.toml";

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let arguments: Vec<String> = env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["catalog"] => catalog::write(&root),
        ["freeze"] => freeze::write(&root),
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
