//! Marking attempts as begun.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::attempt::Attempt;
use super::claimed::Claim;
use crate::error::Result;
use crate::retry;
use crate::sql::{Bound, params, statement};
use crate::validation::{Checks, microseconds};

params! {
    /// Claims, each with its lease.
    struct LeaseParams<'a> from claim: &'a Claim {
        delivery_id: SqlUuid = claim.delivery.id => Uuid,
        tenant_id: Text = &claim.delivery.tenant_id => &'a str,
        lease_id: SqlUuid = claim.lease_id => Uuid,
    }
}

statement! {
    /// Marks attempts as begun.
    struct Begin(leases: LeaseParams) -> (SqlUuid, Integer) {
        => "outbox/begin"
    }
}

impl Claim {
    /// Marks an attempt as begun, and checks the lease once more. Call it right before the request to the provider: if this
    /// process crashes afterwards, the next claim knows that the message may have been sent.
    ///
    /// A second call for the same claim begins no second attempt.
    ///
    /// # Errors
    /// [`Error::LeaseLost`](crate::Error::LeaseLost): the lease expired and another worker has the delivery, or it was sent, failed, suppressed or held
    /// meanwhile. Do not send it.
    pub fn begin(&self, conn: &mut PgConnection) -> Result<Attempt> {
        let attempts = begin_all(conn, std::slice::from_ref(self))?;
        attempts.into_iter().next().ok_or_else(|| self.lost())
    }
}

/// [Begins](Claim::begin) an attempt for each claim, in one statement. Claims whose lease is lost are left out. The others are in
/// input order.
///
/// Use it if the provider takes several messages in one request.
///
/// # Errors
/// [`Error::Invalid`](crate::Error::Invalid): there are more than [`MAX_BATCH`](crate::MAX_BATCH) claims
pub fn begin_all(conn: &mut PgConnection, claims: &[Claim]) -> Result<Vec<Attempt>> {
    Checks::run(|checks| checks.batch("claims", claims, |_, _| ()))?;
    if claims.is_empty() {
        return Ok(Vec::new());
    }
    let params = LeaseParams::new(claims);
    let begun_at: DateTime<Utc> = microseconds(Utc::now());
    let begun: Vec<(Uuid, i32)> = retry::serializable(conn, |conn| Ok(Bound::<Begin>::new(&params).load(conn)?))?;
    let begun: HashMap<Uuid, i32> = begun.into_iter().collect();
    let attempt = |claim: &Claim| {
        Some(Attempt {
            number: u32::try_from(*begun.get(&claim.delivery.id)?).unwrap_or_default(),
            claim: claim.clone(),
            begun_at,
        })
    };
    Ok(claims.iter().filter_map(attempt).collect())
}
