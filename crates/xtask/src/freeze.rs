//! Freezes a release: what the manifest promises now is from then on held against every later manifest.

use std::io::{ErrorKind, Write};
use std::path::Path;
use std::{fs, process::Command};

use crate::Failure;

#[allow(dead_code, reason = "what a release freezes is a small part of it")]
#[path = "../../../src/contract/check/mod.rs"]
mod check;

pub(crate) fn write(root: &Path) -> Result<(), Failure> {
    let inputs = check::Inputs::read(root, &version(root)?);
    let contract = check::check(&inputs).map_err(|findings| check::report(&findings))?;
    let (path, text) = contract.frozen();
    // What is there is never written over: a release doesn't change.
    let mut file = match fs::File::create_new(root.join(&path)) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && fs::read_to_string(root.join(&path))? == text => {
            println!("{path} is there already, and says the same");
            return Ok(());
        }
        Err(error) => {
            return Err(format!("{path}: {error}; a release never changes: raise `version` in Cargo.toml").into());
        }
        Ok(file) => file,
    };
    file.write_all(text.as_bytes())?;
    println!("{path} is written: commit it with the release");
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
    Ok(version
        .ok_or("cargo pkgid doesn't say which version this is")?
        .to_owned())
}
