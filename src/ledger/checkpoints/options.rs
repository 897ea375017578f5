//! The options of a checkpoint.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::checkpoint::SliceWidth;

/// Options of a [`checkpoint`](super::checkpoint).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointOptions {
    /// The end of the range, exclusive; `None`, the default, means one minute before the server's present time. A short
    /// distance covers steps of the server's clock, and most transactions that began before the end have ended.
    pub until: Option<DateTime<Utc>>,
    /// How long to wait for transactions that began before the end; 30 seconds by default.
    pub patience: Duration,
    /// The width of a slice; a day by default.
    pub slice_width: SliceWidth,
}

impl CheckpointOptions {
    /// The distance of the end from the present time.
    pub(super) const LAG: Duration = Duration::from_secs(60);
}

impl Default for CheckpointOptions {
    fn default() -> Self {
        CheckpointOptions {
            until: None,
            patience: Duration::from_secs(30),
            slice_width: SliceWidth::Day,
        }
    }
}
