//! Positions in the files that are compared.

use std::fmt;
use std::sync::Arc;

/// A position in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Place {
    /// The path, as it was given to [`Check`](crate::Check) or found below one of its folders.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl Place {
    pub(crate) fn new(file: &Arc<str>, line: usize, column: usize) -> Place {
        Place {
            file: Arc::clone(file),
            line,
            column,
        }
    }

    /// The position for a finding about a whole file.
    pub(crate) fn start_of(file: &Arc<str>) -> Place {
        Place::new(file, 1, 1)
    }

    /// The position of a byte offset in a text. An offset inside a character counts as the character's beginning.
    pub(crate) fn of_offset(file: &Arc<str>, text: &str, offset: usize) -> Place {
        let before = text.char_indices().take_while(|&(at, _)| at < offset);
        let (line, column) = before.fold((1, 1), |(line, column), (_, c)| match c {
            '\n' => (line + 1, 1),
            _ => (line, column + 1),
        });
        Place::new(file, line, column)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A label or a name and its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) at: Place,
}
