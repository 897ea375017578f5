//! Running a closure for one tenant.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use diesel::connection::{AnsiTransactionManager, Connection, TransactionManager};
use diesel::pg::PgConnection;
use diesel::result::Error as DieselError;

use super::enter::enter;
use crate::error::{Error, Result};
use crate::validation::{Checks, SHORT_TEXT};

/// Runs `work` in a transaction for one tenant. With row-level security [enabled](super::enable), `work` reads and writes only
/// this tenant's rows.
///
/// The setting ends with the transaction, however it ends: if `work` returns an error or panics, the transaction is rolled
/// back. So a pooled connection never has the tenant of an earlier caller. Inside your transaction it is a savepoint, and the
/// setting ends with the savepoint.
///
/// Scopes may be nested for the same tenant. A scope for another tenant inside of a scope is an error, because crossing tenants
/// has to be explicit: end the first scope.
///
/// A transaction under REPEATABLE READ or SERIALIZABLE may fail to serialize. `scoped` does not repeat it, because `work` may
/// have effects outside of the database.
///
/// ```
/// # test_support::with_database(|conn| {
/// use mailglass::{Delivery, EventType, NewDelivery, NewEvent, Stream, ledger, tenancy};
///
/// let delivery = tenancy::scoped(conn, "acme", |conn| {
///     let new = NewDelivery::new("acme", "welcome", Stream::Transactional, "ann@example.com");
///     let delivery = new.insert(conn)?.into_delivery();
///     let sent = NewEvent::new("acme", EventType::Sent, chrono::Utc::now()).delivery(delivery.id);
///     ledger::record(conn, vec![sent])?;
///     Delivery::find(conn, "acme", delivery.id)
/// })?;
/// assert_eq!(delivery.last_event_type, EventType::Sent);
/// # Ok(())
/// # });
/// ```
///
/// # Errors
/// - the error of `work`
/// - [`Error::Invalid`]: `tenant_id` can't be a tenant, or it is not the tenant of the enclosing scope
/// - [`Error::Database`] and [`Error::SerializationFailure`]: the transaction can't begin or commit
pub fn scoped<T, E>(
    conn: &mut PgConnection,
    tenant_id: &str,
    work: impl FnOnce(&mut PgConnection) -> Result<T, E>,
) -> Result<T, E>
where
    E: From<Error>,
{
    Checks::run(|checks| checks.text("tenant_id", tenant_id, SHORT_TEXT))?;
    let levels = open_levels(conn).map_err(Error::from)?;
    let ended = conn.transaction(|conn| {
        let before = enter(conn, tenant_id)?;
        let is_nested = levels > 0;
        if is_nested && before.as_deref().is_some_and(|before| before != tenant_id) {
            return Err(Ended::Rejected);
        }
        match catch_unwind(AssertUnwindSafe(|| work(conn))) {
            Err(panic) => Err(Ended::Panicked(panic)),
            Ok(Err(error)) => Err(Ended::Failed(error)),
            // The commit below would end a transaction that `work` has left open instead of this one.
            Ok(Ok(_)) if open_levels(conn)? != levels + 1 => Err(DieselError::BrokenTransactionManager.into()),
            Ok(Ok(value)) => {
                if is_nested {
                    // Releasing a savepoint keeps its settings.
                    enter(conn, before.as_deref().unwrap_or_default())?;
                }
                Ok(value)
            }
        }
    });
    let failure = match ended {
        Ok(value) => return Ok(value),
        Err(failure) => failure,
    };
    // A panic leaves the transactions open that `work` has begun.
    while open_levels(conn).is_ok_and(|open| open > levels)
        && AnsiTransactionManager::rollback_transaction(conn).is_ok()
    {}
    match failure {
        Ended::Failed(error) => Err(error),
        Ended::Database(error) => Err(Error::from(error).into()),
        Ended::Rejected => Err(Error::invalid("tenant_id", "is not the tenant of the enclosing scope").into()),
        Ended::Panicked(panic) => resume_unwind(panic),
    }
}

/// How the work of a scope ended, unless it succeeded.
enum Ended<E> {
    Failed(E),
    Database(DieselError),
    /// The enclosing scope is for another tenant.
    Rejected,
    Panicked(Box<dyn Any + Send>),
}

impl<E> From<DieselError> for Ended<E> {
    fn from(error: DieselError) -> Self {
        Ended::Database(error)
    }
}

/// The number of open transactions and savepoints.
fn open_levels(conn: &mut PgConnection) -> Result<u32, DieselError> {
    let status = AnsiTransactionManager::transaction_manager_status_mut(conn);
    Ok(status.transaction_depth()?.map_or(0, |depth| depth.get()))
}
