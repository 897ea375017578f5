//! The labels of a set in one of the places, and the shared parts of the comparisons.

use crate::code::Code;
use crate::did_you_mean::nearest;
use crate::finding::{Excerpt, Finding};
use crate::manifest::Set;
use crate::place::{Place, Word};

/// The end of a help text for a change whose intention is unknown.
pub(crate) const HOW: &str = "the README of closed-sets says how to add, rename and remove a value";

/// The labels of a set in the manifest, the Rust enum or the migrations.
pub(crate) struct LabelList<'a> {
    pub(crate) name: &'a str,
    pub(crate) at: &'a Place,
    pub(crate) labels: Vec<&'a Word>,
}

impl LabelList<'_> {
    pub(crate) fn position(&self, label: &str) -> Option<usize> {
        self.labels.iter().position(|word| word.text == label)
    }

    pub(crate) fn has(&self, label: &str) -> bool {
        self.position(label).is_some()
    }

    /// A label and its neighbours.
    pub(crate) fn around(&self, index: usize) -> Excerpt {
        let index = index.min(self.labels.len().saturating_sub(1));
        let (first, last) = (
            index.saturating_sub(1),
            (index + 1).min(self.labels.len().saturating_sub(1)),
        );
        let shown = self.labels.get(first..=last).unwrap_or_default();
        let mut text = shown
            .iter()
            .map(|label| label.text.escape_debug().to_string())
            .collect::<Vec<_>>()
            .join(", ");
        if shown.is_empty() {
            text = "(no labels)".to_owned();
        }
        if first > 0 {
            text.insert_str(0, "… ");
        }
        if last + 1 < self.labels.len() {
            text.push_str(" …");
        }
        Excerpt::new(self.labels.get(index).map_or(self.at, |label| &label.at), text)
    }

    /// The index at which a label of the other list belongs in this one: after the nearest preceding label of both.
    pub(crate) fn gap_for(&self, other: &LabelList<'_>, index: usize) -> usize {
        let before = other.labels[..index]
            .iter()
            .rev()
            .find_map(|label| self.position(&label.text));
        before.map_or(0, |index| index + 1)
    }

    /// The label of this list that one of the other list most likely misspells.
    pub(crate) fn guess(&self, other: &LabelList<'_>, label: &str) -> Option<&str> {
        nearest(
            label,
            self.labels
                .iter()
                .map(|label| label.text.as_str())
                .filter(|label| !other.has(label)),
        )
    }
}

pub(crate) fn of_manifest<'a>(set: &'a Set) -> LabelList<'a> {
    LabelList {
        name: "the manifest",
        at: &set.at,
        labels: set.live().map(|row| &row.label).collect(),
    }
}

/// Whether a label that only `there` has and a label that only `here` has are most similar to each other. One of them is a
/// misspelling or a new name of the other then, and one finding is enough.
pub(crate) fn is_mutual(there: &LabelList<'_>, here: &LabelList<'_>, label: &str) -> bool {
    let partner = here.guess(there, label);
    partner.is_some_and(|partner| there.guess(here, partner) == Some(label))
}

/// Reports a value that the manifest lists as removed; returns whether it is one.
pub(crate) fn reports_tombstone(set: &Set, word: &Word, findings: &mut Vec<Finding>) -> bool {
    let Some(row) = set
        .rows
        .iter()
        .find(|row| row.removed.is_some() && row.label.text == word.text)
    else {
        return false;
    };
    let message = format!(
        "label `{}` is still here, but {} lists it as removed",
        word.text, row.label.at
    );
    let help = "remove it here, or write `–` into `Removed` in its row";
    findings.push(Finding::new(Code::LiveTombstone, &word.at, message, help));
    true
}

/// A finding for the first label that both lists have in a different order.
pub(crate) fn order(here: &LabelList<'_>, there: &LabelList<'_>) -> Option<Finding> {
    let common = |one: &LabelList<'_>, other: &LabelList<'_>| -> Vec<usize> {
        (0..one.labels.len())
            .filter(|&index| other.has(&one.labels[index].text))
            .collect()
    };
    let (ours, theirs) = (common(here, there), common(there, here));
    let mut pairs = ours.into_iter().zip(theirs);
    let (our, their) = pairs.find(|&(our, their)| here.labels[our].text != there.labels[their].text)?;
    let (label, other) = (here.labels[our], there.labels[their]);
    let message = format!(
        "`{}` is at the position of `{}` in {}",
        label.text, other.text, there.name
    );
    let help = "use the same order in both: PostgreSQL and Rust compare the values of an enum by it";
    let finding = Finding::new(Code::Order, &label.at, message, help);
    Some(finding.compared(there.around(their), here.around(our)))
}
