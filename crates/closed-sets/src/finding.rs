//! Findings and their text.

use std::error::Error;
use std::sync::Arc;
use std::{fmt, slice, vec};

use crate::code::Code;
use crate::place::Place;

/// A contradiction between two of the places, or something that the check does not understand.
///
/// Its [`Display`](fmt::Display) text has several lines: the position, the code and the message; both sides of a
/// comparison; and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The position to look at first.
    pub at: Place,
    /// The stable code.
    pub code: Code,
    /// The PostgreSQL name of the set, if the finding is about one.
    pub set: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
    /// The other place's labels, and those at `at`.
    compared: Option<Box<(Excerpt, Excerpt)>>,
}

/// A few neighbouring labels of one of the places that are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Excerpt {
    file: Arc<str>,
    line: usize,
    text: String,
}

impl Excerpt {
    pub(crate) fn new(at: &Place, text: impl Into<String>) -> Excerpt {
        Excerpt {
            file: Arc::clone(&at.file),
            line: at.line,
            text: text.into(),
        }
    }
}

impl Finding {
    pub(crate) fn new(code: Code, at: &Place, message: impl Into<String>, help: impl Into<String>) -> Finding {
        Finding {
            at: at.clone(),
            code,
            set: None,
            message: message.into(),
            help: help.into(),
            compared: None,
        }
    }

    pub(crate) fn of_set(self, set: &str) -> Finding {
        Finding {
            set: Some(set.to_owned()),
            ..self
        }
    }

    pub(crate) fn compared(self, expected: Excerpt, found: Excerpt) -> Finding {
        Finding {
            compared: Some(Box::new((expected, found))),
            ..self
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { at, code, message, .. } = self;
        write!(f, "{at}: {code} ")?;
        if let Some(set) = &self.set {
            write!(f, "`{set}`: ")?;
        }
        write!(f, "{message}")?;
        if let Some((expected, found)) = self.compared.as_deref() {
            let [there, here] = [expected, found].map(|excerpt| format!("({}:{}):", excerpt.file, excerpt.line));
            let width = there.chars().count().max(here.chars().count());
            write!(f, "\n  expected {there:width$} {}", expected.text)?;
            write!(f, "\n  found    {here:width$} {}", found.text)?;
        }
        write!(f, "\n  help: {}", self.help)
    }
}

/// All findings of a failed check, in the order of their positions.
///
/// Its [`Display`](fmt::Display) text is the text of every finding and a line with their number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    findings: Vec<Finding>,
    /// What the check read.
    paths: Vec<String>,
}

impl Findings {
    pub(crate) fn new(mut findings: Vec<Finding>, paths: Vec<String>) -> Findings {
        findings.sort_by(|one, other| (&one.at, one.code).cmp(&(&other.at, other.code)));
        Findings { findings, paths }
    }

    /// The findings.
    pub fn iter(&self) -> slice::Iter<'_, Finding> {
        self.findings.iter()
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        let paths = self.paths.join(", ");
        match self.findings.len() {
            1 => write!(f, "1 finding: the closed sets in {paths} disagree"),
            count => write!(f, "{count} findings: the closed sets in {paths} disagree"),
        }
    }
}

impl Error for Findings {}

impl IntoIterator for Findings {
    type Item = Finding;
    type IntoIter = vec::IntoIter<Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.findings.into_iter()
    }
}

impl<'a> IntoIterator for &'a Findings {
    type Item = &'a Finding;
    type IntoIter = slice::Iter<'a, Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
