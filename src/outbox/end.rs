//! Ending a claim without sending, and extending its lease.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{Double, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use super::claimed::Claim;
use super::options::check_lease;
use crate::error::{Error, Result};
use crate::ledger;
use crate::models::redacted::HiddenJson;
use crate::models::{Delivery, EventType, NewEvent, RejectReason};
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
    /// Ends the claim without an attempt, or after it: the message can't be sent. Stores the error, a JSON object, in `last_error`,
    /// and records a `failed` event.
    ///
    /// # Errors
    /// - [`Error::LeaseLost`]: another worker has the delivery by now
    /// - [`Error::Invalid`]: the error is not a JSON object
    pub fn failed(&self, conn: &mut PgConnection, error: Value) -> Result<Delivery> {
        Checks::run(|checks| checks.json_object("last_error", &error))?;
        self.end(conn, Some(&error), self.event(EventType::Failed))
    }

    /// The message is not sent, because the recipient is suppressed: records a `suppressed` event.
    ///
    /// [`ClaimOptions::suppress`](super::ClaimOptions::suppress) does this by itself.
    ///
    /// # Errors
    /// [`Error::LeaseLost`]: another worker has the delivery by now
    pub fn suppressed(&self, conn: &mut PgConnection, reason: Option<RejectReason>) -> Result<Delivery> {
        let mut event = self.event(EventType::Suppressed);
        event.reject_reason = reason;
        self.end(conn, None, event)
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

    /// Ends the claim with an event, in one transaction. It locks the delivery first, as every statement that locks both.
    fn end(&self, conn: &mut PgConnection, last_error: Option<&Value>, event: NewEvent) -> Result<Delivery> {
        let (id, tenant_id) = (self.delivery.id, self.delivery.tenant_id.as_str());
        let events = [event];
        retry::transaction(conn, |conn| {
            Delivery::find_locked(conn, tenant_id, id)?;
            let ended = diesel::delete(mailglass_outbox::table.find(id))
                .filter(mailglass_outbox::lease_id.eq(self.lease_id))
                .execute(conn)?;
            if ended == 0 {
                return Err(self.lost());
            }
            if let Some(last_error) = last_error {
                // The row is locked. The event below changes lock_version.
                diesel::update(mailglass_deliveries::table.find(id))
                    .set(mailglass_deliveries::last_error.eq(HiddenJson(last_error)))
                    .execute(conn)?;
            }
            ledger::record(conn, &events)?;
            Delivery::find(conn, tenant_id, id)
        })
    }
}
