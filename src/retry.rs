//! Serialization failures: a call that is a transaction by itself is run again, because nobody has seen anything of it.

use std::hash::{BuildHasher, RandomState};
use std::thread;
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, Connection, TransactionManager};
use diesel::pg::PgConnection;

use crate::error::Result;

/// With the pauses between them, which add up to a quarter of a second on average, these are lost only where many write to
/// the same rows without end.
const ATTEMPTS: u32 = 10;

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
        thread::sleep(pause(attempt));
        attempt += 1;
    }
}

/// The same for several statements: a transaction, or a savepoint inside the caller's.
pub(crate) fn transaction<T>(
    conn: &mut PgConnection,
    mut call: impl FnMut(&mut PgConnection) -> Result<T>,
) -> Result<T> {
    serializable(conn, |conn| conn.transaction(&mut call))
}

/// The same for one statement that the database may refuse: it needs no transaction of its own, but inside the caller's a
/// savepoint, without which the refusal would cost everything before it.
pub(crate) fn refusable<T>(conn: &mut PgConnection, mut call: impl FnMut(&mut PgConnection) -> Result<T>) -> Result<T> {
    if is_in_transaction(conn) {
        conn.transaction(call)
    } else {
        serializable(conn, &mut call)
    }
}

/// Twice as long each time, and by chance, so that those who met once don't meet again.
fn pause(attempt: u32) -> Duration {
    let longest = 1_000 << attempt.min(9);
    Duration::from_micros(RandomState::new().hash_one(attempt) % longest)
}

pub(crate) fn is_in_transaction(conn: &mut PgConnection) -> bool {
    let status = AnsiTransactionManager::transaction_manager_status_mut(conn);
    // A connection whose transaction is broken is in one.
    !matches!(status.transaction_depth(), Ok(None))
}
