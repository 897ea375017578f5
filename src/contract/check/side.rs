//! A list of labels that is compared with another, and what the comparisons share.

use super::finding::{Code, Excerpt, Finding, Place};
use super::manifest::{Set, Word};
use super::similar::nearest;

/// Where a finding's help ends that can't know what was meant.
pub(crate) const HOW: &str = "api_stability.md says how a value is added, renamed and removed";

/// A list of labels, one of the three.
pub(crate) struct Side<'a> {
    pub(crate) name: &'a str,
    pub(crate) at: &'a Place,
    pub(crate) labels: Vec<&'a Word>,
}

impl Side<'_> {
    pub(crate) fn position(&self, label: &str) -> Option<usize> {
        self.labels.iter().position(|it| it.text == label)
    }

    pub(crate) fn has(&self, label: &str) -> bool {
        self.position(label).is_some()
    }

    /// A label with its neighbours.
    pub(crate) fn around(&self, index: usize) -> Excerpt {
        let index = index.min(self.labels.len().saturating_sub(1));
        let (first, last) = (
            index.saturating_sub(1),
            (index + 1).min(self.labels.len().saturating_sub(1)),
        );
        let shown = self.labels.get(first..=last).unwrap_or_default();
        let mut text = shown
            .iter()
            .map(|it| it.text.escape_debug().to_string())
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
        Excerpt::new(self.labels.get(index).map_or(self.at, |it| &it.at), text)
    }

    /// Where a label of the other side, which this one lacks, would stand: after the nearest that both have.
    pub(crate) fn gap_for(&self, other: &Side<'_>, index: usize) -> usize {
        let before = other.labels[..index]
            .iter()
            .rev()
            .find_map(|it| self.position(&it.text));
        before.map_or(0, |it| it + 1)
    }

    /// The label that is most likely meant by one of the other side that this one lacks.
    pub(crate) fn guess(&self, other: &Side<'_>, label: &str) -> Option<&str> {
        nearest(
            label,
            self.labels
                .iter()
                .map(|it| it.text.as_str())
                .filter(|it| !other.has(it)),
        )
    }
}

pub(crate) fn did_you_mean(guess: Option<&str>) -> String {
    guess.map(|it| format!(" (did you mean `{it}`?)")).unwrap_or_default()
}

pub(crate) fn side_of_manifest<'a>(set: &'a Set) -> Side<'a> {
    Side {
        name: "the manifest",
        at: &set.at,
        labels: set.live().map(|row| &row.label).collect(),
    }
}

/// Whether a label that `there` has and `here` lacks, and one the other way round, are each other's nearest: one of them is
/// a misspelling (or a renaming) of the other, and one finding names both.
pub(crate) fn is_mutual(there: &Side<'_>, here: &Side<'_>, label: &str) -> bool {
    let partner = here.guess(there, label);
    partner.is_some_and(|partner| there.guess(here, partner) == Some(label))
}

/// A removed value that is still live somewhere is a finding of its own.
pub(crate) fn reports_tombstone(set: &Set, word: &Word, findings: &mut Vec<Finding>) -> bool {
    let Some(row) = set
        .rows
        .iter()
        .find(|row| row.removed.is_some() && row.label.text == word.text)
    else {
        return false;
    };
    let what = format!(
        "label `{}` is removed, says {}, but it is still here",
        word.text, row.label.at
    );
    let help = "take it out here, or empty the row's `Removed` with `–`";
    findings.push(Finding::new(Code::LiveTombstone, &word.at, what, help));
    true
}

/// The first of the labels on both sides that is not the same on both.
pub(crate) fn order(here: &Side<'_>, there: &Side<'_>) -> Option<Finding> {
    let common = |one: &Side<'_>, other: &Side<'_>| -> Vec<usize> {
        (0..one.labels.len())
            .filter(|&it| other.has(&one.labels[it].text))
            .collect()
    };
    let (ours, theirs) = (common(here, there), common(there, here));
    let mut pairs = ours.into_iter().zip(theirs);
    let (our, their) = pairs.find(|&(our, their)| here.labels[our].text != there.labels[their].text)?;
    let (label, other) = (here.labels[our], there.labels[their]);
    let what = format!(
        "`{}` stands where `{}` stands in {}",
        label.text, other.text, there.name
    );
    let help = "put them in one order: Postgres compares an enum's values by it, and so does Rust";
    let finding = Finding::new(Code::Order, &label.at, what, help);
    Some(finding.compared(there.around(their), here.around(our)))
}
