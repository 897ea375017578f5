//! The options and the report of a sweep.

use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;

use crate::suppressions::SuppressionRules;
use crate::tenancy::Tenants;

/// Options of a [`sweep`](super::sweep), with the defaults of [`all_tenants`](Self::all_tenants) or
/// [`of_tenant`](Self::of_tenant).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepOptions {
    /// The tenants whose events are linked. No link crosses tenants.
    pub tenants: Tenants,
    /// The maximum number of events to check; 1,000 by default.
    pub limit: u32,
    /// Skips events that were appended less than this ago; one minute by default. Most deliveries are committed by then.
    pub grace: Duration,
    /// Expires events that have waited longer than this; seven days by default.
    pub max_age: Duration,
    /// The linked events that suppress their recipients; none by default.
    pub suppress: Option<SuppressionRules>,
}

impl SweepOptions {
    /// A sweep of all tenants. With row-level security, it needs a role with
    /// [`Access::Reconciler`](crate::roles::Access::Reconciler).
    pub fn all_tenants() -> Self {
        SweepOptions::new(Tenants::All)
    }

    /// A sweep of one tenant.
    pub fn of_tenant(tenant_id: impl Into<String>) -> Self {
        SweepOptions::new(Tenants::Only(tenant_id.into()))
    }

    fn new(tenants: Tenants) -> Self {
        SweepOptions {
            tenants,
            limit: 1_000,
            grace: Duration::from_secs(60),
            max_age: Duration::from_secs(7 * 24 * 60 * 60),
            suppress: None,
        }
    }
}

/// The outcome of a sweep. Each event is counted once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SweepReport {
    /// Events that were linked and projected.
    pub linked: i64,
    /// Events that wait for their delivery, or are malformed.
    pub waiting: i64,
    /// Events that wait because several deliveries match.
    pub ambiguous: i64,
    /// Events that expired.
    pub expired: i64,
    /// Events that the database rejected, such as by a trigger of yours. They keep waiting, behind the others.
    pub failed: Vec<FailedLink>,
    /// The events that were linked, so that an application can react to late events. A serialized report leaves them out, because
    /// there may be thousands.
    #[serde(skip)]
    pub linked_events: Vec<LinkedEvent>,
}

/// An event that a sweep linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct LinkedEvent {
    /// The delivery, whose projection has the event now.
    pub delivery_id: Uuid,
    /// The event.
    pub event_id: Uuid,
}

/// An event that the database rejected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FailedLink {
    /// The event.
    pub event_id: Uuid,
    /// The delivery that it was to be linked to, if there is one.
    pub delivery_id: Option<Uuid>,
    /// The error of the database.
    pub error: String,
}

impl SweepReport {
    pub(super) fn add(&mut self, other: SweepReport) {
        self.linked += other.linked;
        self.waiting += other.waiting;
        self.ambiguous += other.ambiguous;
        self.expired += other.expired;
        self.failed.extend(other.failed);
        self.linked_events.extend(other.linked_events);
    }
}
