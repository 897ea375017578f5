//! A text file as the check reads it: decoded, or refused at the position where it can't be.

use std::path::Path;
use std::{fs, io};

use super::finding::{Code, Finding, Place};

/// A file's bytes, or why there are none, under the path that the findings name.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) bytes: io::Result<Vec<u8>>,
}

impl File {
    pub(crate) fn read(root: &Path, path: &str) -> File {
        File {
            path: path.to_owned(),
            bytes: fs::read(root.join(path)),
        }
    }

    /// The text, without the byte-order mark that editors on Windows put in front.
    pub(crate) fn text(&self) -> Result<&str, Finding> {
        let unreadable = |at: Place, what: String, help: &str| Finding::new(Code::Unreadable, &at, what, help);
        let bytes = self.bytes.as_deref().map_err(|error| {
            let help = "put it back: the check and the crate's documents need it";
            unreadable(Place::start_of(&self.path), format!("can't be read: {error}"), help)
        })?;
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let (valid, rest) = bytes.split_at(error.valid_up_to());
            let valid = String::from_utf8_lossy(valid);
            let byte = rest.first().copied().unwrap_or_default();
            let what = format!("the byte 0x{byte:02x} is not UTF-8");
            unreadable(place(&self.path, &valid, valid.len()), what, "save the file as UTF-8")
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        match text.char_indices().find(|&(offset, c)| is_hidden(text, offset, c)) {
            Some((offset, c)) => Err(unreadable(
                place(&self.path, text, offset),
                format!(
                    "the character {} can't be seen, or makes others look different",
                    c.escape_unicode()
                ),
                "delete it",
            )),
            None => Ok(text),
        }
    }
}

/// Control characters (a carriage return before a line feed is fine, and so is a tab) and what reorders text.
fn is_hidden(text: &str, offset: usize, c: char) -> bool {
    match c {
        '\t' | '\n' => false,
        '\r' => !text[offset + 1..].starts_with('\n'),
        '\u{feff}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        _ => c.is_control(),
    }
}

/// Where a byte offset lies; an offset inside a character counts as its beginning.
pub(crate) fn place(file: &str, text: &str, offset: usize) -> Place {
    let before = text.char_indices().take_while(|&(at, _)| at < offset);
    let (line, column) = before.fold((1, 1), |(line, column), (_, c)| match c {
        '\n' => (line + 1, 1),
        _ => (line, column + 1),
    });
    Place::new(file, line, column)
}
