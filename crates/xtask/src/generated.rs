//! The files that are generated from a migrated database.

use std::fs;
use std::path::Path;

use crate::{Failure, cargo, catalog, run};

/// The schema docs.
pub(crate) const SCHEMA_DOCS: &str = "docs/schema";

/// Diesel's CLI, which `.ci/run` installs.
const DIESEL: &str = "target/diesel-cli/bin/diesel";

/// Writes `src/contract/catalog.rs`, `src/schema.rs`, and the schema docs.
pub(crate) fn write(root: &Path) -> Result<(), Failure> {
    fs::write(root.join(catalog::FILE), catalog::code(root)?)?;
    diesel(root, &["migration", "run"])?;
    docs(root, &[])
}

/// Fails if one of these files is not what would be written.
pub(crate) fn check(root: &Path) -> Result<(), Failure> {
    if fs::read_to_string(root.join(catalog::FILE))? != catalog::code(root)? {
        return Err(format!("{} is out of date: run `cargo xtask generate`", catalog::FILE).into());
    }
    diesel(root, &["migration", "run", "--locked-schema"])?;
    docs(root, &["--check"])
}

/// Runs Diesel's CLI on a database of a server that ends with it. `diesel.toml` says where it writes the schema.
fn diesel(root: &Path, arguments: &[&str]) -> Result<(), Failure> {
    run(cargo(root, "run --quiet --locked -p scratch-postgres --")
        .arg(DIESEL)
        .args(arguments))
}

fn docs(root: &Path, arguments: &[&str]) -> Result<(), Failure> {
    run(cargo(root, "run --quiet --locked --bin mailglass -- docs --scratch").args(arguments))
}
