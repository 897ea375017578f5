//! Serialization failures: a call that is a transaction by itself is run again, because nobody has seen anything of it.

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::pg::PgConnection;

use crate::error::Result;

/// More than one attempt in so many is lost only where many write to the same rows without a pause.
const ATTEMPTS: usize = 10;

/// Runs a call, and runs it again where Postgres can't serialize it with what others did meanwhile. That happens only
/// where `default_transaction_isolation` is set to REPEATABLE READ or SERIALIZABLE. In a transaction of the caller's there
/// is one attempt: the whole of it has to be run again, and only the caller can.
///
/// PostgreSQL manual, section 13.5, "Serialization Failure Handling".
pub(crate) fn serializable<T>(
    conn: &mut PgConnection,
    mut call: impl FnMut(&mut PgConnection) -> Result<T>,
) -> Result<T> {
    let mut attempt = 1;
    loop {
        let outcome = call(conn);
        let failed = outcome.as_ref().is_err_and(|error| error.is_serialization_failure());
        if !failed || attempt == ATTEMPTS || is_in_transaction(conn) {
            return outcome;
        }
        attempt += 1;
    }
}

fn is_in_transaction(conn: &mut PgConnection) -> bool {
    let status = AnsiTransactionManager::transaction_manager_status_mut(conn);
    // A connection whose transaction is broken is in one.
    !matches!(status.transaction_depth(), Ok(None))
}
