//! An attempt to send.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::pg::PgConnection;
use diesel::sql_types::{Double, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{OptionalExtension, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use super::backoff::backoff;
use super::claimed::Claim;
use crate::error::Result;
use crate::models::Delivery;
use crate::retry;
use crate::sql::{Bound, First, params, statement};
use crate::validation::Checks;

/// An attempt to send a delivery, which [`Claim::begin`] has marked as begun. End it with one of its methods.
///
/// If it is dropped, nobody knows whether the message was sent, and [`UnknownAttempts`](super::UnknownAttempts) decides.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    pub(super) claim: Claim,
    pub(super) number: u32,
    pub(super) begun_at: DateTime<Utc>,
}

/// The outcome of [`Attempt::retry`].
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "it is matched at once, and not kept")]
pub enum Retry {
    /// The delivery will be due at this time, by the server's clock.
    Scheduled(DateTime<Utc>),
    /// It was the last attempt. The delivery has failed.
    Failed(Delivery),
}

type OneRetry<'a> = First<RetryParams<'a>>;

params! {
    struct RetryParams<'a> from row: (&'a Claim, &'a Value, Duration) {
        delivery_id: SqlUuid = row.0.delivery.id => Uuid,
        tenant_id: Text = &row.0.delivery.tenant_id => &'a str,
        lease_id: SqlUuid = row.0.lease_id => Uuid,
        last_error: Nullable<Jsonb> = Some(row.1) => Option<&'a Value>,
        after: Double = row.2.as_secs_f64() => f64,
    }
}

statement! {
    /// Ends an attempt, and schedules the next one.
    struct ScheduleRetry(failed: OneRetry) -> Timestamptz {
        "outbox/lock_failed",
        "outbox/postpone",
        "outbox/write_error",
        => "outbox/postponed"
    }
}

/// The longest time until the next attempt.
const LONGEST_PAUSE: Duration = Duration::from_secs(366 * 24 * 60 * 60);

impl Attempt {
    /// The delivery, as it was when it was claimed.
    pub fn delivery(&self) -> &Delivery {
        &self.claim.delivery
    }

    /// The number of this attempt, from 1.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// When the attempt began, by the clock of this process. The `dispatched` event has this time: it is before the provider's own
    /// times.
    pub fn begun_at(&self) -> DateTime<Utc> {
        self.begun_at
    }

    /// The pause after this attempt: [`backoff`] of its [`number`](Self::number).
    pub fn backoff(&self) -> Duration {
        backoff(self.number)
    }

    /// The attempt failed, and may succeed later: stores the error, a JSON object, in `last_error`, and makes the delivery due
    /// again after a pause. No event is recorded, because the delivery has not failed.
    ///
    /// If it was the last attempt ([`max_attempts`](super::ClaimOptions::max_attempts)), the delivery fails, as by
    /// [`failed`](Self::failed).
    ///
    /// Use it if the provider did not accept the message. After a timeout, the provider may have accepted it: retry if it knows
    /// idempotency keys, or else drop the attempt.
    ///
    /// # Errors
    /// - [`Error::LeaseLost`](crate::Error::LeaseLost): another worker has the delivery by now
    /// - [`Error::Invalid`](crate::Error::Invalid): the error is not a JSON object, or the pause is longer than a year
    pub fn retry(&self, conn: &mut PgConnection, error: Value, after: Duration) -> Result<Retry> {
        Checks::run(|checks| {
            checks.json_object("last_error", &error);
            if after > LONGEST_PAUSE {
                checks.add("after", "must be at most a year");
            }
        })?;
        if self.number >= self.claim.max_attempts {
            return self.failed(conn, error).map(Retry::Failed);
        }
        let params = First(RetryParams::new([(&self.claim, &error, after)]));
        let due_at = retry::serializable(conn, |conn| {
            Ok(Bound::<ScheduleRetry>::new(&params).get_result(conn).optional()?)
        })?;
        due_at.map(Retry::Scheduled).ok_or_else(|| self.claim.lost())
    }

    /// The attempt failed, and no further one will be made: stores the error, a JSON object, in `last_error`, and records a
    /// `failed` event.
    ///
    /// # Errors
    /// As [`retry`](Self::retry).
    pub fn failed(&self, conn: &mut PgConnection, error: Value) -> Result<Delivery> {
        self.claim.failed(conn, error)
    }

    /// Extends the lease: it expires this long from now. For a request that takes longer than expected.
    ///
    /// # Errors
    /// As [`Claim::extend`].
    pub fn extend(&self, conn: &mut PgConnection, lease: Duration) -> Result<()> {
        self.claim.extend(conn, lease)
    }
}
