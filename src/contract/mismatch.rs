//! Compares another list of labels with a closed set.

use std::fmt;

use super::did_you_mean::nearest;
use super::promises::{ClosedSet, Value};

/// The error of [`ClosedSet::check`]: a list of labels that differs from the set.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mismatch {
    /// The set.
    pub set: &'static ClosedSet,
    /// Every difference: first the missing labels in the set's order, then the wrong ones in the list's order.
    pub differences: Vec<LabelDifference>,
}

/// One difference between a list of labels and a closed set.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LabelDifference {
    /// The list lacks this label.
    Missing {
        /// The set's label.
        label: &'static str,
    },
    /// The set does not hold this label.
    Unexpected {
        /// The list's label.
        label: String,
        /// The version that removed it from the set, if the set ever had it.
        removed: Option<&'static str>,
        /// A missing label that it may stand for.
        did_you_mean: Option<&'static str>,
    },
    /// The list has this label more than once.
    Doubled {
        /// The label.
        label: &'static str,
    },
    /// The first label that is out of order.
    OutOfOrder {
        /// The label in the list.
        found: &'static str,
        /// The label of the set at that position.
        expected: &'static str,
    },
}

impl ClosedSet {
    /// Checks that a list has exactly this set's labels, in any order.
    ///
    /// # Errors
    /// [`Mismatch`], with every difference.
    pub fn check<L: AsRef<str>>(&'static self, labels: impl IntoIterator<Item = L>) -> Result<(), Mismatch> {
        let mut found: Vec<&'static str> = Vec::new();
        let mut unexpected: Vec<String> = Vec::new();
        let mut differences = Vec::new();
        for label in labels {
            let label = label.as_ref();
            match self.labels().find(|known| *known == label) {
                Some(known) if found.contains(&known) => differences.push(LabelDifference::Doubled { label: known }),
                Some(known) => found.push(known),
                None => unexpected.push(label.to_owned()),
            }
        }
        let missing = || self.labels().filter(|label| !found.contains(label));
        let unexpected = unexpected.into_iter().map(|label| LabelDifference::Unexpected {
            removed: self.value(&label).and_then(|value| value.removed),
            did_you_mean: nearest(&label, missing()),
            label,
        });
        let missing = missing().map(|label| LabelDifference::Missing { label });
        self.outcome(missing.chain(unexpected).chain(differences).collect())
    }

    /// Checks that a list has exactly this set's labels in this set's order, which is that of the PostgreSQL enum.
    ///
    /// # Errors
    /// [`Mismatch`], with every difference; of several labels out of order, only the first.
    pub fn check_in_order<L: AsRef<str>>(&'static self, labels: impl IntoIterator<Item = L>) -> Result<(), Mismatch> {
        let labels: Vec<L> = labels.into_iter().collect();
        let mut differences = self
            .check(&labels)
            .err()
            .map(|mismatch| mismatch.differences)
            .unwrap_or_default();
        let is_there = |known: &&str| labels.iter().any(|label| label.as_ref() == *known);
        let mut known: Vec<&'static str> = Vec::new();
        for label in labels
            .iter()
            .filter_map(|label| self.value(label.as_ref()).filter(|value| value.removed.is_none()))
        {
            if !known.contains(&label.label) {
                known.push(label.label);
            }
        }
        let mut pairs = known.into_iter().zip(self.labels().filter(is_there));
        if let Some((found, expected)) = pairs.find(|(found, expected)| found != expected) {
            differences.push(LabelDifference::OutOfOrder { found, expected });
        }
        self.outcome(differences)
    }

    fn outcome(&'static self, differences: Vec<LabelDifference>) -> Result<(), Mismatch> {
        if differences.is_empty() {
            Ok(())
        } else {
            Err(Mismatch { set: self, differences })
        }
    }

    fn value(&self, label: &str) -> Option<&'static Value> {
        self.values.iter().find(|value| value.label == label)
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): ", self.set.rust, self.set.name)?;
        for (index, difference) in self.differences.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{difference}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Mismatch {}

impl fmt::Display for LabelDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LabelDifference::Missing { label } => write!(f, "`{label}` is missing"),
            LabelDifference::Unexpected {
                label,
                removed,
                did_you_mean,
            } => {
                write!(f, "`{}` is not one of its labels", label.escape_debug())?;
                removed
                    .iter()
                    .try_for_each(|version| write!(f, " (removed in {version})"))?;
                did_you_mean
                    .iter()
                    .try_for_each(|meant| write!(f, " (did you mean `{meant}`?)"))
            }
            LabelDifference::Doubled { label } => write!(f, "`{label}` is listed twice"),
            LabelDifference::OutOfOrder { found, expected } => {
                write!(f, "`{found}` is at the position of `{expected}`")
            }
        }
    }
}
