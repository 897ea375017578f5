//! The manifest as data: the closed sets with the history of their values, and the promised names.

use std::sync::Arc;

use crate::place::{Place, Word};
use crate::version::Version;

#[derive(Debug)]
pub(crate) struct Manifest {
    pub(crate) file: Arc<str>,
    pub(crate) sets: Vec<Set>,
    pub(crate) names: Vec<Name>,
    /// Whether every marker and the table of names were understood. Otherwise, absent sets and names are not reported.
    pub(crate) is_whole: bool,
}

#[derive(Debug)]
pub(crate) struct Set {
    pub(crate) name: String,
    pub(crate) rust: String,
    pub(crate) at: Place,
    /// In the table's order, with the removed values.
    pub(crate) rows: Vec<Row>,
    /// Whether every row was understood. Otherwise, the set is not compared.
    pub(crate) is_sound: bool,
}

#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) label: Word,
    pub(crate) variant: Word,
    pub(crate) since: Version,
    pub(crate) deprecated: Option<Version>,
    pub(crate) removed: Option<Version>,
    pub(crate) meaning: String,
}

/// A promised name that is not a set's: of a table, an index, a trigger, a function or a SQLSTATE.
#[derive(Debug)]
pub(crate) struct Name {
    pub(crate) kind: String,
    pub(crate) name: Word,
    pub(crate) since: Version,
    pub(crate) removed: Option<Version>,
    pub(crate) meaning: String,
}

impl Set {
    /// The values that were not removed.
    pub(crate) fn live(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.removed.is_none())
    }
}

/// The marker above the table of a set.
pub(crate) fn set_marker(set: &str, rust: &str) -> String {
    format!("<!-- closed-set: {set} rust={rust} -->")
}
