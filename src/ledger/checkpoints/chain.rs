//! Checking a chain by itself, without the ledger.

use std::collections::HashMap;

use super::checkpoint::Checkpoint;
use super::difference::CheckpointProblem;
use super::digest::Digest;

/// A chain with the digests of its contents.
pub(super) struct Chain<'a> {
    pub(super) tenant_id: &'a str,
    pub(super) checkpoints: &'a [Checkpoint],
    pub(super) digests: Vec<Digest>,
}

impl Chain<'_> {
    /// The problems, with the position of the checkpoint, and the positions of the checkpoints that no later one replaces.
    ///
    /// A chain may begin in the middle: a host may archive old checkpoints, and verify only recent ones.
    pub(super) fn check(&self) -> (Vec<(usize, CheckpointProblem)>, Vec<usize>) {
        let mut problems = Vec::new();
        // By digest, the checkpoints that are not replaced yet.
        let mut current: HashMap<Digest, usize> = HashMap::new();
        // Where the range of the next checkpoint begins, unless it replaces one.
        let mut end = None;
        for (position, (checkpoint, &computed)) in self.checkpoints.iter().zip(&self.digests).enumerate() {
            let mut add = |problem| problems.push((position, problem));
            if checkpoint.tenant_id != self.tenant_id {
                add(CheckpointProblem::OtherTenant);
            }
            if !checkpoint.is_well_formed() {
                add(CheckpointProblem::Malformed);
            }
            if checkpoint.digest != computed {
                add(CheckpointProblem::DigestDiffers { computed });
            }
            let before = position.checked_sub(1).and_then(|before| self.checkpoints.get(before));
            if let Some(before) = before
                && checkpoint.previous != Some(before.digest)
            {
                add(CheckpointProblem::PreviousDiffers {
                    expected: Some(before.digest),
                    found: checkpoint.previous,
                });
            }
            // The first checkpoint of a tenant begins at the beginning, and only this one has none before it.
            if before.is_none()
                && checkpoint.replaces.is_none()
                && checkpoint.previous.is_some() != checkpoint.from.is_some()
            {
                add(CheckpointProblem::RangeDiffers);
            }
            let replaced = checkpoint.replaces.map(|digest| current.remove(&digest));
            match replaced {
                Some(Some(replaced)) => self.check_renewal(checkpoint, replaced, &mut add),
                // The list begins with renewed checkpoints, whose originals are archived.
                Some(None) if self.begins_with_renewals(position) => {
                    if before.is_some() && checkpoint.from != end {
                        add(CheckpointProblem::RangeDiffers);
                    }
                    end = Some(checkpoint.until);
                }
                Some(None) => add(CheckpointProblem::ReplacesUnknown),
                None => {
                    if before.is_some() && checkpoint.from != end {
                        add(CheckpointProblem::RangeDiffers);
                    }
                    end = Some(checkpoint.until);
                }
            }
            current.insert(checkpoint.digest, position);
        }
        let mut current: Vec<usize> = current.into_values().collect();
        current.sort_unstable();
        (problems, current)
    }

    fn check_renewal(&self, checkpoint: &Checkpoint, replaced: usize, add: &mut impl FnMut(CheckpointProblem)) {
        let Some(replaced) = self.checkpoints.get(replaced) else {
            return;
        };
        let range = |checkpoint: &Checkpoint| (checkpoint.from, checkpoint.until, checkpoint.slice_width);
        if range(checkpoint) != range(replaced) {
            add(CheckpointProblem::RangeDiffers);
        }
        if replaced.events().checked_sub(checkpoint.events()) != Some(checkpoint.removed) {
            add(CheckpointProblem::RemovedDiffers);
        }
    }

    /// Whether all checkpoints up to this one replace another one.
    fn begins_with_renewals(&self, position: usize) -> bool {
        let first = self.checkpoints.iter().take(position + 1);
        first.into_iter().all(|checkpoint| checkpoint.replaces.is_some())
    }
}
