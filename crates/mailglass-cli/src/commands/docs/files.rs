//! Compares the files of the docs with their current text, and writes them.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process;

use serde::Serialize;
use similar::TextDiff;

use crate::failure::{Failure, Kind};
use crate::interrupt;

/// A file and its current text.
#[derive(Serialize)]
pub(crate) struct Rendered {
    pub(crate) file: &'static str,
    pub(crate) state: State,
    /// A unified diff from the found to the current text; only for a stale file.
    pub(crate) diff: Option<String>,
    #[serde(skip)]
    text: String,
}

#[derive(Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Current,
    Stale,
    Missing,
    Written,
}

impl State {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            State::Current => "current",
            State::Stale => "stale",
            State::Missing => "missing",
            State::Written => "written",
        }
    }
}

pub(crate) fn compare(dir: &Path, rendered: Vec<(&'static str, String)>) -> Result<Vec<Rendered>, Failure> {
    let compare = |(file, text): (&'static str, String)| {
        let path = dir.join(file);
        let (found, state) = match fs::read(&path) {
            // A file that is not UTF-8 is stale, and its diff shows replacement characters.
            Ok(found) => (String::from_utf8_lossy(&found).into_owned(), State::Stale),
            Err(error) if error.kind() == ErrorKind::NotFound => (String::new(), State::Missing),
            Err(error) => return Err(Failure::of_file(&path, &error)),
        };
        let is_current = state == State::Stale && found == text;
        Ok(Rendered {
            file,
            state: if is_current { State::Current } else { state },
            diff: (!is_current && state == State::Stale).then(|| diff(file, &found, &text)),
            text,
        })
    };
    rendered.into_iter().map(compare).collect()
}

/// A unified diff with long lines, such as those of the HTML, cut off.
fn diff(file: &str, found: &str, text: &str) -> String {
    const WIDTH: usize = 200;
    let diff = TextDiff::from_lines(found, text);
    let diff = diff
        .unified_diff()
        .header(&format!("{file} (found)"), &format!("{file} (current)"))
        .to_string();
    let cut = |line: &str| match line.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}…\n", &line[..end]),
        None => format!("{line}\n"),
    };
    diff.lines().map(cut).collect()
}

/// Writes the files that are not current, first as drafts in the same folder. If a draft can't be written, for example because
/// the disk is full, nothing changes.
pub(crate) fn write(dir: &Path, files: &mut [Rendered]) -> Result<(), Failure> {
    if interrupt::is_requested() {
        return Err(Failure::new(Kind::Interrupted, "interrupted; nothing was written"));
    }
    fs::create_dir_all(dir).map_err(|error| Failure::of_file(dir, &error))?;
    let draft_of = |file: &Rendered| dir.join(format!(".{}-{}", file.file, process::id()));
    let written = write_drafts(dir, files, &draft_of);
    if written.is_err() {
        for file in files.iter() {
            // Some drafts were never written, or are already renamed.
            let _ = fs::remove_file(draft_of(file));
        }
    }
    written
}

fn write_drafts(dir: &Path, files: &mut [Rendered], draft_of: &dyn Fn(&Rendered) -> PathBuf) -> Result<(), Failure> {
    let mut stale: Vec<&mut Rendered> = files.iter_mut().filter(|file| file.state != State::Current).collect();
    for file in &stale {
        let draft = draft_of(file);
        fs::write(&draft, &file.text).map_err(|error| Failure::of_file(&draft, &error))?;
    }
    for file in &mut stale {
        let path = dir.join(file.file);
        fs::rename(draft_of(file), &path).map_err(|error| Failure::of_file(&path, &error))?;
        file.state = State::Written;
        file.diff = None;
    }
    Ok(())
}
