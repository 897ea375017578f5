//! Freezes a release: from then on, the build compares every later manifest with its promises.

use std::path::Path;
use std::process::Command;

use closed_sets::{Check, Frozen};

use crate::Failure;

pub(crate) fn write(root: &Path) -> Result<(), Failure> {
    // As in build.rs.
    let check = Check::new()
        .root(root)
        .package("mailglass", version(root)?)
        .manifest("api_stability.md")
        .rust_file("src/models/closed_sets.rs")
        .migrations("migrations")
        .releases("api");
    match check.check()?.freeze()? {
        Frozen::Written(path) => println!("wrote {}: commit it with the release", path.display()),
        Frozen::Unchanged(path) => println!("{} exists and is up to date", path.display()),
    }
    Ok(())
}

/// The version in Cargo.toml.
fn version(root: &Path) -> Result<String, Failure> {
    let output = Command::new(env!("CARGO"))
        .args(["pkgid", "-p", "mailglass"])
        .current_dir(root)
        .output()?;
    let id = String::from_utf8(output.stdout)?;
    let version = id.trim().rsplit(['#', '@']).next().filter(|_| output.status.success());
    Ok(version.ok_or("cargo pkgid does not print the version")?.to_owned())
}
