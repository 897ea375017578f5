//! Sending: the deliveries that wait to be sent, leases of workers, retries, and what happens after a crash.
//!
//! API skeleton; the bodies follow.
#![allow(missing_docs, unused_variables, clippy::todo)]

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::Value;
use uuid::Uuid;

use crate::error::Result;
use crate::models::{Delivery, RejectReason, Stream};
use crate::suppressions::Suppress;
use crate::tenancy::Tenants;

/// How [`claim`] claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimOptions {
    /// The name of the worker, for people.
    pub worker: String,
    pub tenants: Tenants,
    /// At most so many deliveries; 10 by default.
    pub limit: u32,
    /// How long nobody else claims them; 1 minute by default.
    pub lease: Duration,
    /// After so many attempts, `Attempt::retry` fails the delivery; 20 by default.
    pub max_attempts: u32,
    /// What to do with a delivery whose last attempt began and never ended; `Hold` by default.
    pub unknown_attempts: UnknownAttempts,
    /// Whether suppressed recipients are checked: they are ended as suppressed, and not returned. None by default.
    pub suppress: Option<Suppress>,
    /// Limits the claims of each tenant.
    pub tenant_limit: Option<RateLimit>,
    /// Limits the claims of each recipient domain of a tenant.
    pub domain_limit: Option<RateLimit>,
}

impl ClaimOptions {
    pub fn all_tenants(worker: impl Into<String>) -> Self {
        todo!()
    }
    pub fn of_tenant(worker: impl Into<String>, tenant_id: impl Into<String>) -> Self {
        todo!()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownAttempts {
    /// Hold it until an event proves that it was sent, or a person decides.
    Hold,
    /// Claim it again. The provider should get the delivery's id as its idempotency key.
    Resend,
}

/// At most `claims` in each window of time. Windows begin at multiples of their length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    pub claims: u32,
    pub window: Duration,
}

/// What is known of the attempt before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreviousAttempt {
    /// There was none.
    None,
    /// It failed, and was to be retried.
    Failed,
    /// It began and never ended: the message may have been sent.
    Unknown,
}

/// A delivery that is leased to this worker. End it with one of its methods, or begin an attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim(());

impl Claim {
    pub fn delivery(&self) -> &Delivery {
        todo!()
    }
    pub fn previous_attempt(&self) -> PreviousAttempt {
        todo!()
    }
    /// How many attempts have begun.
    pub fn attempts(&self) -> u32 {
        todo!()
    }
    /// Marks an attempt as begun. Call it right before the request to the provider. `Error::LeaseLost` (`is_lease_lost()`): do not send.
    pub fn begin(&self, conn: &mut PgConnection) -> Result<Attempt> {
        todo!()
    }
    /// Ends the delivery without an attempt: final.
    pub fn failed(&self, conn: &mut PgConnection, error: Value) -> Result<Delivery> {
        todo!()
    }
    pub fn suppressed(&self, conn: &mut PgConnection, reason: Option<RejectReason>) -> Result<Delivery> {
        todo!()
    }
    /// Gives it back: it is due at once.
    pub fn release(&self, conn: &mut PgConnection) -> Result<()> {
        todo!()
    }
    /// Extends the lease: it expires this long from now.
    pub fn extend(&self, conn: &mut PgConnection, time: Duration) -> Result<()> {
        todo!()
    }
}

/// An attempt to send, begun before the request to the provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt(());

impl Attempt {
    pub fn delivery(&self) -> &Delivery {
        todo!()
    }
    /// The number of the attempt, from 1.
    pub fn number(&self) -> u32 {
        todo!()
    }
    /// The provider accepted the message.
    pub fn sent(
        &self,
        conn: &mut PgConnection,
        provider: impl Into<String>,
        provider_message_id: impl Into<String>,
    ) -> Result<Sent> {
        todo!()
    }
    /// The attempt failed: try again after this time, unless it was the last one.
    pub fn retry(&self, conn: &mut PgConnection, error: Value, after: Duration) -> Result<Retry> {
        todo!()
    }
    /// The attempt failed for good.
    pub fn failed(&self, conn: &mut PgConnection, error: Value) -> Result<Delivery> {
        todo!()
    }
    pub fn extend(&self, conn: &mut PgConnection, time: Duration) -> Result<()> {
        todo!()
    }
}

/// The outcome of [`Attempt::sent`]. The dispatch is recorded in either case, because the message was sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Sent {
    Recorded(Delivery),
    /// The lease had expired and another worker had claimed the delivery: it may have been sent twice.
    LeaseLost(Delivery),
}

/// The outcome of [`Attempt::retry`].
#[derive(Clone, Debug, PartialEq)]
pub enum Retry {
    /// It will be due at this time.
    Scheduled(DateTime<Utc>),
    /// It was the last attempt: the delivery failed.
    Failed(Delivery),
}

/// Claims due deliveries.
pub fn claim(conn: &mut PgConnection, options: &ClaimOptions) -> Result<Vec<Claim>> {
    todo!()
}

/// Begins an attempt for each claim whose lease is still held, in one round trip. The others are left out.
pub fn begin_all(conn: &mut PgConnection, claims: &[Claim]) -> Result<Vec<Attempt>> {
    todo!()
}

/// [`Attempt::sent`] for a batch, in input order: the attempt, the provider, and its message id.
pub fn sent_all(conn: &mut PgConnection, sent: &[(Attempt, &str, &str)]) -> Result<Vec<Sent>> {
    todo!()
}

/// Exponential backoff with jitter: about 2^attempt seconds … at most an hour.
pub fn backoff(attempt: u32) -> Duration {
    todo!()
}

/// Why [`wait`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// A delivery may be due: claim.
    Due,
    TimedOut,
}

/// Waits until a delivery of the tenants is due.
pub fn wait(conn: &mut PgConnection, tenants: &Tenants, timeout: Duration) -> Result<Wake> {
    todo!()
}

/// Holds a delivery that waits: it is not sent until [`resend`].
pub fn hold(conn: &mut PgConnection, tenant_id: &str, delivery_id: Uuid) -> Result<()> {
    todo!()
}
/// A held delivery is due again at once.
pub fn resend(conn: &mut PgConnection, tenant_id: &str, delivery_id: Uuid) -> Result<()> {
    todo!()
}
/// Ends the lease of a delivery, whoever has it: it is due at once. (For a worker that is known to be dead.)
pub fn release(conn: &mut PgConnection, tenant_id: &str, delivery_id: Uuid) -> Result<()> {
    todo!()
}

/// The outbox of a tenant and a stream.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct QueueStatus {
    pub tenant_id: String,
    pub stream: Stream,
    /// Due now.
    pub due: i64,
    /// Due later, for the first time or for a retry.
    pub scheduled: i64,
    pub leased: i64,
    pub held: i64,
    /// When the oldest due delivery became due.
    pub oldest_due_at: Option<DateTime<Utc>>,
}

/// What waits, by tenant and stream.
pub fn status(conn: &mut PgConnection, tenants: &Tenants) -> Result<Vec<QueueStatus>> {
    todo!()
}

/// A held delivery.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Held {
    pub delivery_id: Uuid,
    pub tenant_id: String,
    pub stream: Stream,
    pub attempts: i32,
    /// Whether an attempt began and never ended.
    pub may_have_been_sent: bool,
    pub held_at: DateTime<Utc>,
}

/// The held deliveries, longest held first.
pub fn held(conn: &mut PgConnection, tenants: &Tenants, limit: u32) -> Result<Vec<Held>> {
    todo!()
}
