//! Ending a claim without sending, and extending its lease.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{Double, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::claimed::Claim;
use super::options::check_lease;
use crate::error::{Error, Result};
use crate::ledger;
use crate::models::redacted::HiddenJson;
use crate::models::{Delivery, DeliveryChanges, EventType, NewEvent, RejectReason};
use crate::retry;
use crate::schema::{mailglass_deliveries, mailglass_outbox};
use crate::sql::{Bound, First, params, statement};
use crate::validation::Checks;

type OneExtension<'a> = First<ExtensionParams<'a>>;

params! {
    struct ExtensionParams<'a> from row: (&'a Claim, Duration) {
        delivery_id: SqlUuid = row.0.delivery.id => Uuid,
        tenant_id: Text = &row.0.delivery.tenant_id => &'a str,
        lease_id: SqlUuid = row.0.lease_id => Uuid,
        lease: Double = row.1.as_secs_f64() => f64,
    }
}

statement! {
    /// Extends a lease.
    struct Extend(leases: OneExtension) -> Timestamptz {
        => "outbox/extend"
    }
}

statement! {
    /// Ends a lease. The row is due at once.
    struct Release(leases: OneExtension) -> SqlUuid {
        "outbox/release",
        => "outbox/changed_and_notified"
    }
}

impl Claim {
    /// The message is not sent, because the recipient is suppressed: records a `suppressed` event.
    ///
    /// [`ClaimOptions::suppress`](super::ClaimOptions::suppress) does this by itself.
    ///
    /// # Errors
    /// [`Error::LeaseLost`]: another worker has the delivery by now
    pub fn suppressed(&self, conn: &mut PgConnection, reason: Option<RejectReason>) -> Result<Delivery> {
        let mut event = self.event(EventType::Suppressed);
        event.reject_reason = reason;
        end(conn, self, &DeliveryChanges::default(), event)
    }

    /// Gives the delivery back, because this worker will not send it, such as at a shutdown. It is due at once.
    ///
    /// # Errors
    /// [`Error::LeaseLost`]: another worker has the delivery by now
    pub fn release(&self, conn: &mut PgConnection) -> Result<()> {
        let params = First(ExtensionParams::new([(self, Duration::ZERO)]));
        let released: Option<Uuid> = retry::serializable(conn, |conn| {
            Ok(Bound::<Release>::new(&params).get_result(conn).optional()?)
        })?;
        released.map(drop).ok_or_else(|| self.lost())
    }

    /// Extends the lease: it expires this long from now.
    ///
    /// # Errors
    /// - [`Error::LeaseLost`]: another worker has the delivery by now
    /// - [`Error::Invalid`]: the lease is shorter than a second or longer than a day
    pub fn extend(&self, conn: &mut PgConnection, lease: Duration) -> Result<()> {
        Checks::run(|checks| check_lease("lease", lease, checks))?;
        let params = First(ExtensionParams::new([(self, lease)]));
        let extended: Option<chrono::DateTime<chrono::Utc>> = retry::serializable(conn, |conn| {
            Ok(Bound::<Extend>::new(&params).get_result(conn).optional()?)
        })?;
        extended.map(drop).ok_or_else(|| self.lost())
    }

    pub(super) fn lost(&self) -> Error {
        Error::LeaseLost {
            delivery_id: self.delivery.id,
        }
    }

    fn event(&self, event_type: EventType) -> NewEvent {
        NewEvent::new(&self.delivery.tenant_id, event_type, chrono::Utc::now()).delivery(self.delivery.id)
    }
}

/// Fails the delivery of a claim.
pub(super) fn failed(conn: &mut PgConnection, claim: &Claim, changes: &DeliveryChanges) -> Result<Delivery> {
    changes.validate()?;
    end(conn, claim, changes, claim.event(EventType::Failed))
}

/// Ends a claim with an event, in one transaction. It locks the delivery first, as every statement that locks both.
fn end(conn: &mut PgConnection, claim: &Claim, changes: &DeliveryChanges, event: NewEvent) -> Result<Delivery> {
    let (id, tenant_id) = (claim.delivery.id, claim.delivery.tenant_id.as_str());
    let events = [event];
    let is_tenants = || mailglass_deliveries::tenant_id.eq(tenant_id).is_not_distinct_from(true);
    retry::transaction(conn, |conn| {
        mailglass_deliveries::table
            .find(id)
            .filter(is_tenants())
            .select(mailglass_deliveries::id)
            .for_no_key_update()
            .first::<Uuid>(conn)
            .optional()?
            .ok_or(Error::NotFound { record: "delivery", id })?;
        let ended = diesel::delete(mailglass_outbox::table.find(id))
            .filter(mailglass_outbox::lease_id.eq(claim.lease_id))
            .execute(conn)?;
        if ended == 0 {
            return Err(claim.lost());
        }
        if let Some(last_error) = &changes.last_error {
            // The event below changes lock_version.
            diesel::update(mailglass_deliveries::table.find(id))
                .filter(is_tenants())
                .set(mailglass_deliveries::last_error.eq(last_error.as_ref().map(HiddenJson)))
                .execute(conn)?;
        }
        ledger::record(conn, &events)?;
        Delivery::find(conn, tenant_id, id)
    })
}
