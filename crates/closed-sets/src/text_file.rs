//! Text files, decoded or refused with a position.

use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

use crate::code::Code;
use crate::finding::Finding;
use crate::place::Place;

/// A file's bytes, or the error from reading them.
#[derive(Debug)]
pub(crate) struct TextFile {
    /// The path that findings name.
    pub(crate) path: Arc<str>,
    pub(crate) bytes: io::Result<Vec<u8>>,
}

impl TextFile {
    pub(crate) fn read(root: &Path, path: &str) -> TextFile {
        TextFile {
            path: path.into(),
            bytes: fs::read(root.join(path)),
        }
    }

    /// The text, without the byte-order mark that some editors on Windows write.
    pub(crate) fn text(&self) -> Result<&str, Finding> {
        let unreadable = |at: Place, message: String, help: &str| Finding::new(Code::Unreadable, &at, message, help);
        let bytes = self.bytes.as_deref().map_err(|error| {
            let help = "restore it, or correct the path in build.rs";
            unreadable(
                Place::start_of(&self.path),
                format!("cannot read this file: {error}"),
                help,
            )
        })?;
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let (valid, rest) = bytes.split_at(error.valid_up_to());
            let valid = String::from_utf8_lossy(valid);
            let byte = rest.first().copied().unwrap_or_default();
            let message = format!("the byte 0x{byte:02x} is not UTF-8");
            let at = Place::of_offset(&self.path, &valid, valid.len());
            unreadable(at, message, "save the file as UTF-8")
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        match text.char_indices().find(|&(offset, c)| is_hidden(text, offset, c)) {
            Some((offset, c)) => Err(unreadable(
                Place::of_offset(&self.path, text, offset),
                format!(
                    "the character {} is invisible or changes how its neighbours are displayed",
                    c.escape_unicode()
                ),
                "delete it",
            )),
            None => Ok(text),
        }
    }
}

/// Control characters and characters that reorder text. Tabs, line feeds and carriage returns before line feeds are fine.
fn is_hidden(text: &str, offset: usize, c: char) -> bool {
    match c {
        '\t' | '\n' => false,
        '\r' => !text[offset + 1..].starts_with('\n'),
        '\u{feff}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        _ => c.is_control(),
    }
}
