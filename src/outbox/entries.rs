//! Looking at the outbox.

use chrono::{DateTime, Utc};
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use serde::Serialize;
use uuid::Uuid;

use super::wait::{OneTenants, TenantsParams};
use crate::error::Result;
use crate::models::Stream;
use crate::schema::mailglass_outbox;
use crate::schema::sql_types::MailglassStream;
use crate::sql::{Bound, First, statement};
use crate::tenancy::Tenants;

/// How many deliveries of a tenant and a stream wait. Each is counted once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Queryable)]
#[non_exhaustive]
pub struct QueueStatus {
    /// The tenant.
    pub tenant_id: String,
    /// The stream.
    pub stream: Stream,
    /// Deliveries that are due, also those whose lease has expired.
    pub due: i64,
    /// Deliveries that are due later, for the first time or for a retry.
    pub scheduled: i64,
    /// Deliveries that a worker has leased.
    pub leased: i64,
    /// Deliveries that are held.
    pub held: i64,
    /// When the oldest of the due ones became due.
    pub oldest_due_at: Option<DateTime<Utc>>,
}

statement! {
    /// Counts the rows of the outbox.
    struct CountRows(wanted: OneTenants) -> (Text, MailglassStream, BigInt, BigInt, BigInt, BigInt, Nullable<Timestamptz>) {
        => "outbox/status"
    }
}

/// What waits, by tenant and stream, in this order. It reads the whole outbox.
///
/// # Errors
/// None but those of every call.
pub fn status(conn: &mut PgConnection, tenants: &Tenants) -> Result<Vec<QueueStatus>> {
    Ok(Bound::<CountRows>::new(&First(TenantsParams::new([tenants]))).load(conn)?)
}

/// A held delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Queryable)]
#[non_exhaustive]
pub struct Held {
    /// The delivery.
    pub delivery_id: Uuid,
    /// Its tenant.
    pub tenant_id: String,
    /// Its stream.
    pub stream: Stream,
    /// How many attempts have begun.
    pub attempts: i32,
    /// Whether the last attempt began and did not end, so that the message may have been sent.
    pub may_have_been_sent: bool,
    /// Since when it is held.
    pub held_at: DateTime<Utc>,
}

/// The held deliveries, longest held first, at most `limit`.
///
/// # Errors
/// None but those of every call.
pub fn held(conn: &mut PgConnection, tenants: &Tenants, limit: u32) -> Result<Vec<Held>> {
    use mailglass_outbox::dsl;
    let mut held = dsl::mailglass_outbox
        .filter(dsl::held_at.is_not_null())
        .order((dsl::held_at, dsl::delivery_id))
        .limit(i64::from(limit))
        .select((
            dsl::delivery_id,
            dsl::tenant_id,
            dsl::stream,
            dsl::attempts,
            dsl::last_attempt.eq("unknown"),
            dsl::held_at.assume_not_null(),
        ))
        .into_boxed();
    if let Some(tenant_id) = tenants.only() {
        held = held.filter(dsl::tenant_id.eq(tenant_id));
    }
    Ok(held.load(conn)?)
}
