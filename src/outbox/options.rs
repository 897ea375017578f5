//! The options of a claim.

use std::time::Duration;

use crate::suppressions::Suppress;
use crate::tenancy::Tenants;
use crate::validation::{Checks, SHORT_TEXT};

/// Options of a [`claim`](super::claim), with the defaults of [`all_tenants`](Self::all_tenants) or
/// [`of_tenant`](Self::of_tenant).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimOptions {
    /// The name of the worker, for people who look at the outbox. Several workers may have the same name.
    pub worker: String,
    /// The tenants whose deliveries are claimed.
    pub tenants: Tenants,
    /// The maximum number of deliveries to claim; 10 by default, at most 100.
    ///
    /// Claim as many as you send within the [`lease`](Self::lease).
    pub limit: u32,
    /// How long no other worker claims the deliveries; one minute by default, at least a second, at most a day.
    pub lease: Duration,
    /// After this many attempts, [`Attempt::retry`](super::Attempt::retry) fails the delivery; 20 by default.
    pub max_attempts: u32,
    /// What happens to a delivery whose last attempt began and did not end; [`UnknownAttempts::Hold`] by default.
    pub unknown_attempts: UnknownAttempts,
    /// Checks the recipients against the [suppressions](crate::suppressions): a delivery to a suppressed one is not returned, but
    /// ended with a `suppressed` event. `None` by default.
    pub suppress: Option<Suppress>,
    /// Limits how many deliveries of each tenant are claimed; `None` by default.
    pub tenant_limit: Option<RateLimit>,
    /// Limits how many deliveries of each tenant are claimed for each recipient domain; `None` by default.
    pub domain_limit: Option<RateLimit>,
}

impl ClaimOptions {
    /// A claim of all tenants. With row-level security, it needs a role with [`Access::Sender`](crate::roles::Access::Sender).
    pub fn all_tenants(worker: impl Into<String>) -> Self {
        ClaimOptions::new(worker.into(), Tenants::All)
    }

    /// A claim of one tenant.
    pub fn of_tenant(worker: impl Into<String>, tenant_id: impl Into<String>) -> Self {
        ClaimOptions::new(worker.into(), Tenants::Only(tenant_id.into()))
    }

    fn new(worker: String, tenants: Tenants) -> Self {
        ClaimOptions {
            worker,
            tenants,
            limit: 10,
            lease: Duration::from_secs(60),
            max_attempts: 20,
            unknown_attempts: UnknownAttempts::Hold,
            suppress: None,
            tenant_limit: None,
            domain_limit: None,
        }
    }

    pub(super) fn is_limited(&self) -> bool {
        self.tenant_limit.is_some() || self.domain_limit.is_some()
    }

    pub(super) fn check(&self, checks: &mut Checks) {
        checks.text("worker", &self.worker, SHORT_TEXT);
        if let Tenants::Only(tenant_id) = &self.tenants {
            checks.text("tenant_id", tenant_id, SHORT_TEXT);
        }
        // `sql/outbox/pick.sql` relies on it.
        if !(1..=100).contains(&self.limit) {
            checks.add("limit", "must be from 1 to 100");
        }
        check_lease("lease", self.lease, checks);
        if self.max_attempts == 0 || i32::try_from(self.max_attempts).is_err() {
            checks.add("max_attempts", "must be from 1 to 2147483647");
        }
        for (field, limit) in [("tenant_limit", self.tenant_limit), ("domain_limit", self.domain_limit)] {
            if limit.is_some_and(|limit| limit.seconds().is_none()) {
                checks.add(field, "must have a window of whole seconds, from a second to a week");
            }
            if limit.is_some_and(|limit| limit.claims == 0) {
                checks.add(field, "must allow at least one claim");
            }
        }
    }
}

/// The check of a lease, for a claim and for an extension.
pub(super) fn check_lease(field: &str, lease: Duration, checks: &mut Checks) {
    if lease < Duration::from_secs(1) || lease > Duration::from_secs(24 * 60 * 60) {
        checks.add(field, "must be from a second to a day");
    }
}

/// What a claim does with a delivery whose last attempt began and did not end, because its worker crashed or took longer than its
/// lease. The message may have been sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownAttempts {
    /// Holds it. It is not sent again until a person decides ([`resend`](super::resend), `mailglass outbox --resend`), and leaves
    /// the outbox as soon as an event proves that it was sent.
    Hold,
    /// Claims it again. Give the provider the delivery's id as the idempotency key, if the provider has such keys: it then
    /// sends one message. After [`max_attempts`](ClaimOptions::max_attempts) it is held.
    Resend,
}

/// At most [`claims`](Self::claims) deliveries in each window of time.
///
/// Windows begin at multiples of their length since 1970, and a claim counts in the window in which it is made. So within any
/// stretch of time as long as a window there are at most twice as many. All workers of a tenant should have the same limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// How many deliveries may be claimed in a window.
    pub claims: u32,
    /// The length of a window: whole seconds, at most a week.
    pub window: Duration,
}

impl RateLimit {
    /// The window in seconds, if it is allowed.
    pub(super) fn seconds(self) -> Option<i32> {
        let seconds = i32::try_from(self.window.as_secs()).ok()?;
        let is_allowed = self.window.subsec_nanos() == 0 && (1..=7 * 24 * 60 * 60).contains(&seconds);
        is_allowed.then_some(seconds)
    }
}
