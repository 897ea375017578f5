//! A checkpoint as a value.

use std::fmt;
use std::fmt::Write as _;
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::digest::Digest;
use crate::error::{Error, Result};

/// Digests of a tenant's events that were appended in a range of time, chained to the checkpoint before.
///
/// It contains no content of an event. Keep it where the owner of the database can't change it. It is written as one line of
/// JSON, so a file can hold a chain, one checkpoint a line.
///
/// ```
/// # test_support::with_database(|conn| {
/// use mailglass::ledger::{self, Checkpoint, CheckpointOptions};
///
/// let first = ledger::checkpoint(conn, "acme", None, &CheckpointOptions::default())?.into_checkpoint()?;
/// let line = first.to_string();
/// assert_eq!(line.parse::<Checkpoint>()?, first);
/// # Ok(()) });
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Checkpoint {
    /// The version of the format.
    version: Version,
    /// The tenant.
    pub tenant_id: String,
    /// The start of the range of `inserted_at`, inclusive; `None` is the beginning of the ledger.
    pub from: Option<DateTime<Utc>>,
    /// The end of the range, exclusive.
    pub until: DateTime<Utc>,
    /// The width of a slice.
    pub slice_width: SliceWidth,
    /// The digest of the checkpoint before in the chain; `None` for the first.
    pub previous: Option<Digest>,
    /// The digest of the checkpoint that this one replaces, if retention has removed events of its range.
    pub replaces: Option<Digest>,
    /// How many events of the replaced checkpoint were removed.
    pub removed: u64,
    /// The slices that have events, in order.
    pub slices: Vec<CheckpointSlice>,
    /// The digest of all of the above.
    pub digest: Digest,
    /// The host's signature of [`bytes`](Self::bytes), in any form.
    pub signature: Option<String>,
}

/// The events of a [`Checkpoint`] that were appended in one hour or one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CheckpointSlice {
    /// The start of the hour or the day, in UTC.
    pub start: DateTime<Utc>,
    /// How many events it has.
    pub events: u64,
    /// The digest of its events.
    pub digest: Digest,
}

/// The width of the slices of a [`Checkpoint`]. A difference is reported for a slice, so narrow slices say more exactly when a
/// changed event was appended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SliceWidth {
    /// 3,600 seconds.
    Hour,
    /// 86,400 seconds.
    #[default]
    Day,
}

impl SliceWidth {
    pub(super) fn seconds(self) -> i64 {
        match self {
            SliceWidth::Hour => 3_600,
            SliceWidth::Day => 86_400,
        }
    }
}

/// The parts of a checkpoint that the caller decides on, before its digest is known.
pub(super) struct Unsealed {
    pub(super) tenant_id: String,
    pub(super) from: Option<DateTime<Utc>>,
    pub(super) until: DateTime<Utc>,
    pub(super) slice_width: SliceWidth,
    pub(super) previous: Option<Digest>,
    pub(super) replaces: Option<Digest>,
    pub(super) removed: u64,
    pub(super) slices: Vec<CheckpointSlice>,
}

impl Unsealed {
    /// The bytes of the digest.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let digest_or_dash = |digest: Option<Digest>| digest.map_or("-".to_owned(), |digest| digest.to_string());
        let from = self
            .from
            .map_or("-".to_owned(), |from| from.timestamp_micros().to_string());
        let mut text = format!(
            "mailglass checkpoint 1\ntenant {}:{}\nfrom {from}\nuntil {}\nwidth {}\nprevious {}\nreplaces {}\nremoved {}\n",
            self.tenant_id.len(),
            self.tenant_id,
            self.until.timestamp_micros(),
            self.slice_width.seconds(),
            digest_or_dash(self.previous),
            digest_or_dash(self.replaces),
            self.removed,
        );
        for slice in &self.slices {
            // Writing to a String can't fail.
            let _ = writeln!(
                text,
                "slice {} {} {}",
                slice.start.timestamp().div_euclid(self.slice_width.seconds()),
                slice.events,
                slice.digest
            );
        }
        text.into_bytes()
    }

    pub(super) fn seal(self, digest: Digest) -> Checkpoint {
        Checkpoint {
            version: Version,
            tenant_id: self.tenant_id,
            from: self.from,
            until: self.until,
            slice_width: self.slice_width,
            previous: self.previous,
            replaces: self.replaces,
            removed: self.removed,
            slices: self.slices,
            digest,
            signature: None,
        }
    }
}

impl Checkpoint {
    /// The bytes whose SHA-256 is the digest. Sign these.
    pub fn bytes(&self) -> Vec<u8> {
        let unsealed = Unsealed {
            tenant_id: self.tenant_id.clone(),
            from: self.from,
            until: self.until,
            slice_width: self.slice_width,
            previous: self.previous,
            replaces: self.replaces,
            removed: self.removed,
            slices: self.slices.clone(),
        };
        unsealed.bytes()
    }

    /// Adds a signature of [`bytes`](Self::bytes).
    #[must_use]
    pub fn signed(mut self, signature: impl Into<String>) -> Self {
        self.signature = Some(signature.into());
        self
    }

    /// How many events it covers.
    pub fn events(&self) -> u64 {
        let events = self.slices.iter().map(|slice| slice.events);
        events.fold(0, u64::saturating_add)
    }

    /// Whether the slices are in order, aligned, within the range and not empty, and all times are whole microseconds: what
    /// [`checkpoint`](super::checkpoint) makes.
    pub(super) fn is_well_formed(&self) -> bool {
        let width = self.slice_width.seconds();
        let is_whole = |time: DateTime<Utc>| time.timestamp_subsec_nanos().is_multiple_of(1_000);
        let overlaps = |start: DateTime<Utc>| {
            let end = TimeDelta::try_seconds(width).and_then(|width| start.checked_add_signed(width));
            start < self.until && end.is_none_or(|end| self.from.is_none_or(|from| from < end))
        };
        is_whole(self.until)
            && self.from.is_none_or(|from| is_whole(from) && from < self.until)
            && self.slices.is_sorted_by(|one, next| one.start < next.start)
            && self.slices.iter().all(|slice| {
                let is_aligned = slice.start.timestamp() % width == 0 && slice.start.timestamp_subsec_nanos() == 0;
                is_aligned && overlaps(slice.start) && slice.events > 0
            })
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        f.write_str(&line)
    }
}

impl FromStr for Checkpoint {
    type Err = Error;

    fn from_str(line: &str) -> Result<Self> {
        serde_json::from_str(line).map_err(|error| Error::invalid("checkpoint", format!("can't be read: {error}")))
    }
}

/// Version 1, the only one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version;

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(1)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            1 => Ok(Version),
            other => Err(de::Error::custom(format!(
                "version {other} is not supported: upgrade mailglass"
            ))),
        }
    }
}
