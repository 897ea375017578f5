//! Claiming due deliveries.

use std::hash::{BuildHasher, RandomState};

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Double, Integer, Nullable, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::claimed::{Claim, PreviousAttempt};
use super::limited;
use super::options::{ClaimOptions, UnknownAttempts};
use crate::error::Result;
use crate::ledger;
use crate::models::{Delivery, EventType, NewEvent, RejectReason, SuppressionReason};
use crate::retry;
use crate::schema::sql_types::MailglassSuppressionReason;
use crate::schema::{mailglass_deliveries, mailglass_outbox};
use crate::sql::{Bound, First, Statement, params, statement};
use crate::suppressions::Suppress;
use crate::validation::{Checks, microseconds};

/// How many lanes a claim of one delivery chooses from. A claim of more chooses from as many lanes as it claims deliveries.
const FEWEST_LANES: u32 = 32;

pub(super) type OneClaim<'a> = First<ClaimParams<'a>>;

params! {
    pub(super) struct ClaimParams<'a> from row: (&'a ClaimOptions, Uuid) {
        tenant_id: Nullable<Text> = row.0.tenants.only() => Option<&'a str>,
        seed: Integer = random() => i32,
        max_lanes: BigInt = i64::from(row.0.limit.max(FEWEST_LANES)) => i64,
        claims: BigInt = i64::from(row.0.limit) => i64,
        lease: Double = row.0.lease.as_secs_f64() => f64,
        lease_id: SqlUuid = row.1 => Uuid,
        worker: Text = &row.0.worker => &'a str,
        hold: Bool = row.0.unknown_attempts == UnknownAttempts::Hold => bool,
        max_attempts: Integer = i32::try_from(row.0.max_attempts).unwrap_or(i32::MAX) => i32,
        suppress_always: Nullable<Bool> = row.0.suppress.map(Suppress::is_always) => Option<bool>,
        tenant_claims: Nullable<BigInt> = row.0.tenant_limit.map(|limit| i64::from(limit.claims)) => Option<i64>,
        tenant_window: Nullable<Integer> = row.0.tenant_limit.and_then(|limit| limit.seconds()) => Option<i32>,
        domain_claims: Nullable<BigInt> = row.0.domain_limit.map(|limit| i64::from(limit.claims)) => Option<i64>,
        domain_window: Nullable<Integer> = row.0.domain_limit.and_then(|limit| limit.seconds()) => Option<i32>,
    }
}

/// A number from the whole range of a hash.
fn random() -> i32 {
    let [first, second, third, fourth, ..] = RandomState::new().hash_one(0).to_ne_bytes();
    i32::from_ne_bytes([first, second, third, fourth])
}

statement! {
    /// Leases due deliveries.
    struct ClaimDue(wanted: OneClaim) -> ClaimedSqlType {
        "outbox/lanes",
        "outbox/held",
        "outbox/pick",
        "outbox/examine",
        "outbox/settle",
        "outbox/lease",
        "outbox/claimed_recipients",
        "suppressions/subjects",
        "suppressions/digests",
        "suppressions/suppressed",
        => "outbox/claimed"
    }
}

pub(super) type ClaimedSqlType = (
    mailglass_deliveries::SqlType,
    Integer,
    Bool,
    Nullable<MailglassSuppressionReason>,
    Bool,
);

/// A row that a claim returns.
#[derive(Queryable)]
pub(super) struct Claimed {
    delivery: Delivery,
    attempts: i32,
    is_unknown: bool,
    suppression_reason: Option<SuppressionReason>,
    is_erased: bool,
}

/// Claims deliveries that are due: leases them to this worker, so that no other one claims them until the lease expires. They are in
/// the order of their streams, oldest first.
///
/// It is one short statement. It skips rows that another claim has locked, and holds no lock afterwards. With
/// [limits](ClaimOptions::tenant_limit), claims wait for each other, in a transaction of two statements. Do not call it in a
/// transaction of yours: the lease would begin with your commit, and end with your rollback.
///
/// Its cost depends on the number of claimed deliveries, and of the tenants that wait, not on the length of the queue
/// (`tests/integration/outbox_plans.rs` counts the rows that it reads).
///
/// A delivery that was sent, failed or suppressed by other means than the outbox is not returned. It leaves the outbox.
///
/// # Errors
/// - [`Error::Invalid`](crate::Error::Invalid): an option is wrong
/// - [`Error::SerializationFailure`](crate::Error::SerializationFailure): your transaction is not READ COMMITTED and must be run
///   again
pub fn claim(conn: &mut PgConnection, options: &ClaimOptions) -> Result<Vec<Claim>> {
    Checks::run(|checks| options.check(checks))?;
    let lease_id = Uuid::now_v7();
    if options.is_limited() {
        retry::transaction(conn, |conn| {
            limited::lock(conn)?;
            let claimed = match options.domain_limit {
                Some(_) => load::<limited::ClaimOfDomains>(conn, options, lease_id)?,
                None => load::<limited::ClaimOfTenants>(conn, options, lease_id)?,
            };
            keep(conn, options, lease_id, claimed)
        })
    } else if options.suppress.is_some() {
        retry::transaction(conn, |conn| {
            let claimed = load::<ClaimDue>(conn, options, lease_id)?;
            keep(conn, options, lease_id, claimed)
        })
    } else {
        let claimed = retry::serializable(conn, |conn| load::<ClaimDue>(conn, options, lease_id))?;
        keep(conn, options, lease_id, claimed)
    }
}

fn load<S>(conn: &mut PgConnection, options: &ClaimOptions, lease_id: Uuid) -> Result<Vec<Claimed>>
where
    S: for<'a> Statement<Params<'a> = OneClaim<'a>, SqlType = ClaimedSqlType>,
{
    let params = First(ClaimParams::new([(options, lease_id)]));
    Ok(Bound::<S>::new(&params).load(conn)?)
}

/// The claims of the rows, except those that are suppressed, which end here.
fn keep(conn: &mut PgConnection, options: &ClaimOptions, lease_id: Uuid, claimed: Vec<Claimed>) -> Result<Vec<Claim>> {
    let (suppressed, kept): (Vec<Claimed>, Vec<Claimed>) = claimed.into_iter().partition(Claimed::is_suppressed);
    suppress(conn, lease_id, &suppressed)?;
    let claim = |row: Claimed| Claim {
        previous_attempt: match (row.attempts, row.is_unknown) {
            (0, _) => PreviousAttempt::None,
            (_, true) => PreviousAttempt::Unknown,
            (_, false) => PreviousAttempt::Failed,
        },
        delivery: row.delivery,
        lease_id,
        attempts: u32::try_from(row.attempts).unwrap_or_default(),
        max_attempts: options.max_attempts,
    };
    Ok(kept.into_iter().map(claim).collect())
}

impl Claimed {
    fn is_suppressed(&self) -> bool {
        self.suppression_reason.is_some() || self.is_erased
    }

    fn reject_reason(&self) -> RejectReason {
        self.suppression_reason
            .map_or(RejectReason::Other, SuppressionReason::reject_reason)
    }
}

/// Ends deliveries as suppressed. Their rows are leased to this worker, so nobody else ends them.
fn suppress(conn: &mut PgConnection, lease_id: Uuid, rows: &[Claimed]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let now = microseconds(chrono::Utc::now());
    let event = |row: &Claimed| {
        NewEvent::new(&row.delivery.tenant_id, EventType::Suppressed, now)
            .delivery(row.delivery.id)
            .reject_reason(row.reject_reason())
    };
    let events: Vec<NewEvent> = rows.iter().map(event).collect();
    retry::transaction(conn, |conn| {
        ledger::record(conn, events.as_slice())?;
        diesel::delete(mailglass_outbox::table)
            .filter(mailglass_outbox::delivery_id.eq_any(rows.iter().map(|row| row.delivery.id)))
            .filter(mailglass_outbox::lease_id.eq(lease_id))
            .execute(conn)?;
        Ok(())
    })
}
