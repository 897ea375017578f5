//! Making a checkpoint.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::checkpoint::{Checkpoint, CheckpointSlice, Unsealed};
use super::close::{End, OpenTransaction, close};
use super::digest::digests;
use super::options::CheckpointOptions;
use super::slices::{self, Range};
use crate::error::{Error, Result};
use crate::validation::{Checks, SHORT_TEXT};

/// The outcome of a [`checkpoint`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checkpointed {
    /// The checkpoint. Nobody can append an event to its range any more.
    Made(Box<Checkpoint>),
    /// Transactions that began before the end of the range are still open, so there is no checkpoint yet. Try again later, with
    /// the same end.
    Waiting {
        /// The end of the range.
        until: DateTime<Utc>,
        /// The transactions.
        open: Vec<OpenTransaction>,
    },
}

impl Checkpointed {
    /// The checkpoint.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `until`, with the transactions that are still open.
    pub fn into_checkpoint(self) -> Result<Checkpoint> {
        match self {
            Checkpointed::Made(checkpoint) => Ok(*checkpoint),
            Checkpointed::Waiting { until, open } => {
                let open: Vec<String> = open.iter().map(ToString::to_string).collect();
                let message = format!(
                    "is {until}, and {} may still append before it: try again",
                    open.join(", ")
                );
                Err(Error::invalid("until", message))
            }
        }
    }
}

/// Makes a checkpoint of the events that a tenant appended since the `previous` one, or since the beginning.
///
/// It waits until the range is final, which locks nothing and delays no recording, and then reads the events of the range once.
/// It writes nothing: keep the checkpoint yourself, where the owner of the database can't change it.
///
/// ```
/// # test_support::with_database(|conn| {
/// use mailglass::ledger::{self, CheckpointOptions, Checkpointed};
///
/// let options = CheckpointOptions::default();
/// let mut chain = Vec::new();
/// match ledger::checkpoint(conn, "acme", chain.last(), &options)? {
///     Checkpointed::Made(checkpoint) => chain.push(*checkpoint),
///     Checkpointed::Waiting { open, .. } => eprintln!("still waits for {open:?}"),
/// }
/// assert!(ledger::verify_checkpoints(conn, "acme", &chain)?.is_ok());
/// # Ok(()) });
/// ```
///
/// # Errors
/// [`Error::Invalid`]:
/// - `previous` belongs to another tenant, or was edited
/// - `until` is not after the end of `previous`, is in the future, or is after the start of your transaction
/// - `connection`: the server is a replica
/// - `transaction`: your transaction is not READ COMMITTED
pub fn checkpoint(
    conn: &mut PgConnection,
    tenant_id: &str,
    previous: Option<&Checkpoint>,
    options: &CheckpointOptions,
) -> Result<Checkpointed> {
    Checks::run(|checks| checks.text("tenant_id", tenant_id, SHORT_TEXT))?;
    if let Some(previous) = previous {
        check_previous(conn, tenant_id, previous)?;
    }
    let until = match close(conn, options)? {
        End::Final(until) => until,
        End::Open(until, open) => return Ok(Checkpointed::Waiting { until, open }),
    };
    let from = previous.map(|previous| previous.until);
    if from.is_some_and(|from| from >= until) {
        return Err(Error::invalid(
            "until",
            "must be after the end of the previous checkpoint",
        ));
    }
    let range = Range {
        tenant_id,
        from,
        until,
        slice_width: options.slice_width,
    };
    let slices = slices::of_ledger(conn, &range)?;
    let checkpoint = range.seal(conn, slices, previous, None)?;
    Ok(Checkpointed::Made(Box::new(checkpoint)))
}

impl Range<'_> {
    /// Makes the checkpoint of a range: the one after `previous`, in place of `replaced`.
    pub(super) fn seal(
        &self,
        conn: &mut PgConnection,
        slices: Vec<CheckpointSlice>,
        previous: Option<&Checkpoint>,
        replaced: Option<&Checkpoint>,
    ) -> Result<Checkpoint> {
        let mut unsealed = Unsealed {
            tenant_id: self.tenant_id.to_owned(),
            from: self.from,
            until: self.until,
            slice_width: self.slice_width,
            previous: previous.map(|previous| previous.digest),
            replaces: replaced.map(|replaced| replaced.digest),
            removed: 0,
            slices,
        };
        if let Some(replaced) = replaced {
            let left: u64 = unsealed.slices.iter().map(|slice| slice.events).sum();
            unsealed.removed = replaced.events().saturating_sub(left);
        }
        match digests(conn, &[unsealed.bytes()])?.as_slice() {
            [digest] => Ok(unsealed.seal(*digest)),
            _ => Err(Error::Database(diesel::result::Error::NotFound)),
        }
    }
}

fn check_previous(conn: &mut PgConnection, tenant_id: &str, previous: &Checkpoint) -> Result<()> {
    if previous.tenant_id != tenant_id {
        return Err(Error::invalid("previous", "belongs to another tenant"));
    }
    if digests(conn, &[previous.bytes()])? != [previous.digest] {
        return Err(Error::invalid(
            "previous",
            "does not have the content that its digest says",
        ));
    }
    Ok(())
}
