//! Options of recording.

use crate::suppressions::SuppressionRules;

/// Options of [`record_with`](super::record_with) and [`record_each_with`](super::record_each_with). By default, nothing beyond
/// recording happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordOptions {
    /// The events that suppress their recipients.
    pub suppress: Option<SuppressionRules>,
}
