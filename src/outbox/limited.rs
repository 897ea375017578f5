//! Claims with limits.
//!
//! A limit is exact, so claims with limits must not run at the same time: each takes an advisory lock, which ends with its
//! transaction, and reads the windows in a later statement.

use std::sync::LazyLock;

use diesel::pg::PgConnection;
use diesel::{RunQueryDsl, sql_query};

use super::claim::{ClaimedSqlType, OneClaim};
use crate::error::Result;
use crate::sql::{sql, statement, with_parameters};

static LOCK: LazyLock<String> =
    LazyLock::new(|| with_parameters(&[], &[sql!("outbox/forget_usage")], sql!("outbox/lock_usage")));

statement! {
    /// Leases due deliveries within the limit of each tenant.
    pub(super) struct ClaimOfTenants(wanted: OneClaim) -> ClaimedSqlType {
        "outbox/lanes",
        "outbox/windows",
        "outbox/limit_lanes",
        "outbox/held",
        "outbox/pick",
        "outbox/limit_picked",
        "outbox/examine",
        "outbox/settle",
        "outbox/lease",
        "outbox/count_claims",
        "outbox/claimed_recipients",
        "suppressions/subjects",
        "suppressions/digests",
        "suppressions/suppressed",
        => "outbox/claimed",
        lanes = "due_lanes",
        picked = "candidates"
    }
}

statement! {
    /// Leases due deliveries within the limits of each tenant and each recipient domain.
    pub(super) struct ClaimOfDomains(wanted: OneClaim) -> ClaimedSqlType {
        "outbox/lanes",
        "outbox/windows",
        "outbox/limit_lanes",
        "outbox/domain_lanes",
        "outbox/held",
        "outbox/pick",
        "outbox/limit_picked",
        "outbox/examine",
        "outbox/settle",
        "outbox/lease",
        "outbox/count_claims",
        "outbox/claimed_recipients",
        "suppressions/subjects",
        "suppressions/digests",
        "suppressions/suppressed",
        => "outbox/claimed",
        lanes = "due_lanes",
        limited_lanes = "tenant_lanes",
        picked = "candidates",
        lane = "entry.tenant_id = turns.tenant_id AND entry.recipient_domain = turns.recipient_domain",
        lane_order = "entry.tenant_id, entry.stream_rank, entry.recipient_domain, entry.available_at"
    }
}

/// Waits for other claims with limits, until the end of their transactions.
pub(super) fn lock(conn: &mut PgConnection) -> Result<()> {
    sql_query(LOCK.as_str()).execute(conn)?;
    Ok(())
}
