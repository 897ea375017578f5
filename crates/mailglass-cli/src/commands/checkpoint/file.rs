//! Files of checkpoints.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use mailglass::ledger::Checkpoint;

use crate::failure::Failure;

/// Reads a chain, one checkpoint a line. An absent file is an empty chain: the shell makes it only for `>>`.
pub(crate) fn read(path: &Path) -> Result<Vec<Checkpoint>, Failure> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failure::of_file(path, &error)),
    };
    parse(path, &text)
}

/// Reads a chain from a file that exists.
pub(crate) fn read_existing(path: &Path) -> Result<Vec<Checkpoint>, Failure> {
    let text = fs::read_to_string(path).map_err(|error| Failure::of_file(path, &error))?;
    parse(path, &text)
}

fn parse(path: &Path, text: &str) -> Result<Vec<Checkpoint>, Failure> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let checkpoint = |(number, line): (usize, &str)| {
        line.parse().map_err(|error: mailglass::Error| {
            Failure::failed(format!("{}:{}: {error}", path.display(), number + 1))
                .hint("each line must be one that `mailglass checkpoint` printed")
        })
    };
    lines.map(checkpoint).collect()
}
