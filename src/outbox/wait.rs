//! Waiting for work.

use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Double, Nullable, Text};

use crate::error::{Error, Result};
use crate::retry;
use crate::sql::{Bound, First, params, statement};
use crate::tenancy::Tenants;
use crate::validation::{Checks, SHORT_TEXT};

/// How often the process looks whether a notification has arrived. It reads its own socket and sends nothing to the server: Diesel
/// has no call that blocks until a notification arrives.
const TICK: Duration = Duration::from_millis(10);

/// Why [`wait`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// A delivery is due. Another worker may claim it first.
    Due,
    /// Nothing became due in time.
    TimedOut,
}

pub(super) type OneTenants<'a> = First<TenantsParams<'a>>;

params! {
    pub(super) struct TenantsParams<'a> from tenants: &'a Tenants {
        tenant_id: Nullable<Text> = tenants.only() => Option<&'a str>,
    }
}

statement! {
    /// The seconds until something is due.
    struct NextDue(wanted: OneTenants) -> Nullable<Double> {
        "outbox/heads",
        => "outbox/next_due"
    }
}

/// Waits until a delivery of these tenants is due, so that an idle worker neither polls nor lags.
///
/// It listens for the notifications that [`send`](crate::NewDelivery::send), [`release`](super::release) and
/// [`resend`](super::resend) send when their transactions commit, and knows the time of what is due later: scheduled deliveries,
/// retries, and leases that expire. It asks the server again only after a notification or at that time.
///
/// The connection must be one to the server itself: behind PgBouncer with `pool_mode = transaction`, notifications are lost, and
/// `wait` returns at the time that it knew when it began. No transaction may be open. The connection stops listening before
/// `wait` returns.
///
/// # Errors
/// [`Error::Invalid`]: a transaction is open, or the tenant is blank or too long
pub fn wait(conn: &mut PgConnection, tenants: &Tenants, timeout: Duration) -> Result<Wake> {
    Checks::run(|checks| {
        if let Tenants::Only(tenant_id) = tenants {
            checks.text("tenant_id", tenant_id, SHORT_TEXT);
        }
    })?;
    if retry::is_in_transaction(conn) {
        return Err(Error::invalid(
            "conn",
            "has an open transaction, in which no notification arrives",
        ));
    }
    let deadline = Instant::now() + timeout;
    conn.batch_execute("LISTEN mailglass_outbox")?;
    let wake = wait_until(conn, tenants, deadline);
    conn.batch_execute("UNLISTEN mailglass_outbox")?;
    wake
}

fn wait_until(conn: &mut PgConnection, tenants: &Tenants, deadline: Instant) -> Result<Wake> {
    let params = First(TenantsParams::new([tenants]));
    loop {
        let seconds: Option<f64> = Bound::<NextDue>::new(&params).get_result(conn)?;
        let due = match seconds {
            Some(seconds) if seconds <= 0.0 => return Ok(Wake::Due),
            Some(seconds) => Duration::try_from_secs_f64(seconds)
                .ok()
                .and_then(|rest| Instant::now().checked_add(rest)),
            None => None,
        };
        loop {
            let now = Instant::now();
            if now >= deadline {
                return Ok(Wake::TimedOut);
            }
            if due.is_some_and(|due| now >= due) || is_notified(conn)? {
                break;
            }
            let next = due.map_or(deadline, |due| due.min(deadline));
            thread::sleep(TICK.min(next.saturating_duration_since(now)));
        }
    }
}

/// Whether notifications have arrived. Takes all of them.
fn is_notified(conn: &mut PgConnection) -> Result<bool> {
    let mut is_notified = false;
    for notification in conn.notifications_iter() {
        notification?;
        is_notified = true;
    }
    Ok(is_notified)
}
