//! A claimed delivery.

use uuid::Uuid;

use crate::models::Delivery;

/// A delivery that is leased to this worker.
///
/// [`begin`](Self::begin) an attempt before you call the provider, or end the claim: [`failed`](Self::failed),
/// [`suppressed`](Self::suppressed), [`release`](Self::release). A claim that is dropped is due again when its lease expires.
///
/// Every method checks the lease in its statement. A lease that has expired is still held until another worker claims the
/// delivery.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    pub(super) delivery: Delivery,
    pub(super) lease_id: Uuid,
    pub(super) attempts: u32,
    pub(super) max_attempts: u32,
    pub(super) previous_attempt: PreviousAttempt,
}

/// What is known about the attempt before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreviousAttempt {
    /// No attempt has begun.
    None,
    /// It failed, and was to be retried.
    Failed,
    /// It began and did not end. The message may have been sent.
    Unknown,
}

impl Claim {
    /// The delivery, as it was when it was claimed.
    pub fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    /// How many attempts have begun.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// What is known about the last of these attempts. [`PreviousAttempt::Unknown`] occurs with
    /// [`UnknownAttempts::Resend`](super::UnknownAttempts::Resend) only.
    pub fn previous_attempt(&self) -> PreviousAttempt {
        self.previous_attempt
    }
}
