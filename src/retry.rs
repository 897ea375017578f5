//! Retrying serialization failures of calls that are a transaction by themselves.

use std::hash::{BuildHasher, RandomState};
use std::thread;
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, Connection, TransactionManager};
use diesel::pg::PgConnection;

use crate::error::Result;

/// The pauses between the attempts add up to half a second on average. All attempts fail only if many processes keep writing the
/// same rows.
const ATTEMPTS: u32 = 10;

/// Runs a call, and retries it on a serialization failure, which occurs only if `default_transaction_isolation` is REPEATABLE
/// READ or SERIALIZABLE. Inside the caller's transaction there is one attempt, because only the caller can run all of it again
/// (PostgreSQL manual, section 13.5, "Serialization Failure Handling").
///
/// Deadlocks are not retried: Diesel drops the SQLSTATE, and the fixed order of locks prevents them between our own calls.
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
        thread::sleep(pause(attempt));
        attempt += 1;
    }
}

/// [`serializable`] for several statements: a transaction, or a savepoint of the caller's.
pub(crate) fn transaction<T>(
    conn: &mut PgConnection,
    mut call: impl FnMut(&mut PgConnection) -> Result<T>,
) -> Result<T> {
    serializable(conn, |conn| conn.transaction(&mut call))
}

/// [`serializable`] for one statement that may violate a constraint. Inside the caller's transaction it needs a savepoint;
/// without one the violation would abort the transaction.
pub(crate) fn with_savepoint<T>(
    conn: &mut PgConnection,
    mut call: impl FnMut(&mut PgConnection) -> Result<T>,
) -> Result<T> {
    if is_in_transaction(conn) {
        conn.transaction(call)
    } else {
        serializable(conn, &mut call)
    }
}

/// A random pause, twice as long each time on average, so that processes that conflicted do not conflict again.
fn pause(attempt: u32) -> Duration {
    let longest = 1_000 << attempt.min(9);
    Duration::from_micros(RandomState::new().hash_one(attempt) % longest)
}

pub(crate) fn is_in_transaction(conn: &mut PgConnection) -> bool {
    let status = AnsiTransactionManager::transaction_manager_status_mut(conn);
    // A connection whose transaction has failed is in a transaction.
    !matches!(status.transaction_depth(), Ok(None))
}
