//! The cells of a table: printable text and a tone.

use chrono::{DateTime, SecondsFormat, Utc};

/// Whether a value is good or bad news.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Tone {
    Neutral,
    Good,
    Warning,
    Bad,
}

pub(crate) struct Cell {
    pub(super) text: String,
    pub(super) tone: Tone,
}

impl<T: ToString> From<T> for Cell {
    fn from(value: T) -> Self {
        Cell {
            text: clean(&value.to_string()),
            tone: Tone::Neutral,
        }
    }
}

impl Cell {
    pub(crate) fn toned(value: impl ToString, tone: Tone) -> Self {
        Cell {
            tone,
            ..Cell::from(value)
        }
    }
}

/// A cell that is empty for `None`.
pub(crate) fn or_empty<T: ToString>(value: &Option<T>) -> Cell {
    Cell::from(value.as_ref().map(ToString::to_string).unwrap_or_default())
}

pub(crate) fn time(time: &DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Escapes control characters. A value may contain tabs, or escape sequences that the terminal would execute.
pub(super) fn clean(text: &str) -> String {
    let escape = |character: char| {
        if character.is_control() {
            character.escape_default().to_string()
        } else {
            character.to_string()
        }
    };
    text.chars().map(escape).collect()
}
