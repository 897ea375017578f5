//! What the check says: where, which code, what is the matter, what stands in the two places, and what to do.

use std::fmt;
use std::rc::Rc;

/// A finding's stable code. The texts may change from version to version; a code keeps its meaning and is never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Code {
    /// A file can't be read: missing, not UTF-8, or with characters that nobody sees.
    Unreadable = 1,
    /// A marker, a table or a cell of the manifest is malformed.
    Syntax = 2,
    /// A set is missing, unknown or doubled in one of the three places.
    Set = 3,
    /// A label or variant is in the manifest, but not in the Rust enum.
    NotInRust = 4,
    /// A variant is in the Rust enum, but not in the manifest.
    NotInManifest = 5,
    /// The migrations are behind: a label is in the manifest, but not in the Postgres enum that they leave.
    MigrationsBehind = 6,
    /// The migrations are ahead: a label is in the Postgres enum that they leave, but not in the manifest.
    MigrationsAhead = 7,
    /// A label or variant stands twice in one place.
    Doubled = 8,
    /// The same labels stand in another order.
    Order = 9,
    /// A label stands beside a variant of which the derive makes another label.
    OtherLabel = 10,
    /// A version is malformed, or newer than the crate.
    Version = 11,
    /// A version contradicts another one, or a release.
    Contradiction = 12,
    /// A value that the manifest has as removed is still live.
    LiveTombstone = 13,
    /// A label that Postgres can't hold.
    BadLabel = 14,
    /// The source of the Rust enums is not understood.
    Rust = 15,
    /// A statement of a migration is not understood.
    Sql = 16,
    /// A migration uses a label that it adds itself.
    UsedWhereAdded = 17,
    /// Something that was released is gone from the manifest.
    ReleasedGone = 18,
    /// A breaking change in a version that is not a breaking one.
    NotBreaking = 19,
    /// A frozen release is malformed or was edited.
    Frozen = 20,
    /// A value is deprecated in the manifest or in the enum, but not in both.
    Deprecation = 21,
    /// A promised name is of nothing that the migrations leave.
    NotLeft = 22,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MG{:03}", *self as u8)
    }
}

/// A place in a file; lines and columns (in characters) count from 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) file: Rc<str>,
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Place {
    pub(crate) fn new(file: &str, line: usize, column: usize) -> Place {
        Place {
            file: file.into(),
            line,
            column,
        }
    }

    /// A file as a whole.
    pub(crate) fn start_of(file: &str) -> Place {
        Place::new(file, 1, 1)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// An excerpt of one of the places that are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Excerpt {
    pub(crate) file: Rc<str>,
    pub(crate) line: usize,
    pub(crate) text: String,
}

impl Excerpt {
    pub(crate) fn new(at: &Place, text: impl Into<String>) -> Excerpt {
        Excerpt {
            file: Rc::clone(&at.file),
            line: at.line,
            text: text.into(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) at: Place,
    pub(crate) code: Code,
    /// The Postgres name of the set that it is about, if it is about one.
    pub(crate) set: Option<String>,
    pub(crate) what: String,
    /// What the other place has, then what stands here.
    pub(crate) compared: Option<Box<(Excerpt, Excerpt)>>,
    pub(crate) help: String,
}

impl Finding {
    pub(crate) fn new(code: Code, at: &Place, what: impl Into<String>, help: impl Into<String>) -> Finding {
        Finding {
            at: at.clone(),
            code,
            set: None,
            what: what.into(),
            compared: None,
            help: help.into(),
        }
    }

    pub(crate) fn of_set(mut self, set: &str) -> Finding {
        self.set = Some(set.to_owned());
        self
    }

    pub(crate) fn compared(mut self, expected: Excerpt, found: Excerpt) -> Finding {
        self.compared = Some(Box::new((expected, found)));
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { at, code, what, .. } = self;
        write!(f, "{at}: {code} ")?;
        if let Some(set) = &self.set {
            write!(f, "`{set}`: ")?;
        }
        write!(f, "{what}")?;
        if let Some((expected, found)) = self.compared.as_deref() {
            let [there, here] = [expected, found].map(|it| format!("({}:{}):", it.file, it.line));
            let width = there.chars().count().max(here.chars().count());
            write!(f, "\n  expected {there:width$} {}", expected.text)?;
            write!(f, "\n  found    {here:width$} {}", found.text)?;
        }
        write!(f, "\n  help: {}", self.help)
    }
}
