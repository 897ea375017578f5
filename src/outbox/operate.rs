//! Decisions of a person about a delivery that waits.

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Text, Uuid as SqlUuid};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::retry;
use crate::sql::{Bound, First, Statement, params, statement};
use crate::validation::{Checks, SHORT_TEXT};

type OneEntry<'a> = First<EntryParams<'a>>;

params! {
    struct EntryParams<'a> from row: (&'a str, Uuid) {
        tenant_id: Text = row.0 => &'a str,
        delivery_id: SqlUuid = row.1 => Uuid,
    }
}

statement! {
    /// Holds a row.
    struct Hold(named: OneEntry) -> SqlUuid {
        "outbox/hold",
        => "outbox/changed"
    }
}

statement! {
    /// Makes a held row due.
    struct Resend(named: OneEntry) -> SqlUuid {
        "outbox/resend",
        => "outbox/changed_and_notified"
    }
}

statement! {
    /// Ends the lease of a row.
    struct EndLease(named: OneEntry) -> SqlUuid {
        "outbox/named_leases",
        "outbox/release",
        => "outbox/changed_and_notified"
    }
}

/// Holds a delivery that waits to be sent: no worker claims it until [`resend`]. A lease ends, but a worker that has begun an
/// attempt may still send the message and record it.
///
/// A held delivery leaves the outbox as soon as it has another status than `queued`, such as by an event that proves that it was
/// sent, or by [`mark_failed`](crate::Delivery::mark_failed). A claim notices it.
///
/// # Errors
/// [`Error::NotFound`]: the tenant has no such delivery in the outbox
pub fn hold(conn: &mut PgConnection, tenant_id: &str, delivery_id: Uuid) -> Result<()> {
    change::<Hold>(conn, tenant_id, delivery_id, "delivery in the outbox")
}

/// Sends a held delivery, although its last attempt may have sent it: it is due at once.
///
/// # Errors
/// [`Error::NotFound`]: the tenant has no such held delivery
pub fn resend(conn: &mut PgConnection, tenant_id: &str, delivery_id: Uuid) -> Result<()> {
    change::<Resend>(conn, tenant_id, delivery_id, "held delivery")
}

/// Ends the lease of a delivery, whoever has it, because its worker is known to be dead: it is due at once. If the worker had begun
/// an attempt, the next claim treats it as [unknown](super::UnknownAttempts).
///
/// # Errors
/// [`Error::NotFound`]: the tenant has no such leased delivery
pub fn release(conn: &mut PgConnection, tenant_id: &str, delivery_id: Uuid) -> Result<()> {
    change::<EndLease>(conn, tenant_id, delivery_id, "leased delivery")
}

fn change<S>(conn: &mut PgConnection, tenant_id: &str, delivery_id: Uuid, record: &'static str) -> Result<()>
where
    S: for<'a> Statement<Params<'a> = OneEntry<'a>, SqlType = SqlUuid>,
{
    Checks::run(|checks| checks.text("tenant_id", tenant_id, SHORT_TEXT))?;
    let params = First(EntryParams::new([(tenant_id, delivery_id)]));
    let changed: Option<Uuid> =
        retry::serializable(conn, |conn| Ok(Bound::<S>::new(&params).get_result(conn).optional()?))?;
    changed.map(drop).ok_or(Error::NotFound {
        record,
        id: delivery_id,
    })
}
