//! Locks: one process migrates at a time, and a revert locks the tables.

use std::thread;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};

use super::failure::Rejected;
use crate::error::{Error, Result};
use crate::retry::is_in_transaction;
use crate::sql::sql;

/// "mailglas" in ASCII.
const LOCK: i64 = 0x6d61_696c_676c_6173;

/// How long a revert tries to lock the tables, if the session has no `lock_timeout`.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// The pause between two attempts, in which statements that waited for the locks can run.
const PAUSE: Duration = Duration::from_millis(50);

/// Runs `work` in a transaction, or a savepoint of the caller's, while no other process migrates. The lock ends with the
/// transaction, so it is released in every case and works behind a pool that assigns connections per transaction.
///
/// The transaction is READ COMMITTED whatever the default of the session: otherwise the statement that waits for the lock would
/// fix the snapshot of the following ones.
pub(crate) fn with_migration_lock<T>(
    conn: &mut PgConnection,
    work: impl FnOnce(&mut PgConnection) -> Result<T>,
) -> Result<T> {
    let locked = |conn: &mut PgConnection| {
        sql_query(format!("SELECT pg_catalog.pg_advisory_xact_lock({LOCK})")).execute(conn)?;
        work(conn)
    };
    if is_in_transaction(conn) {
        conn.transaction(locked)
    } else {
        conn.build_transaction().read_committed().run(locked)
    }
}

/// [`with_migration_lock`] for work that calls [`tables`]. It is rolled back and retried until it gets the locks.
pub(super) fn with_table_locks<T>(conn: &mut PgConnection, work: impl Fn(&mut PgConnection) -> Result<T>) -> Result<T> {
    reject_old_snapshots(conn)?;
    let timeout = timeout(conn)?;
    let start = Instant::now();
    loop {
        match with_migration_lock(conn, &work) {
            Err(error) if is_in_use(&error) => {
                if start.elapsed() >= timeout {
                    let message = format!(
                        "the tables stayed in use for {timeout:?}: try again when no long transaction or VACUUM uses them"
                    );
                    return Err(Rejected(message).into());
                }
                thread::sleep(PAUSE);
            }
            outcome => return outcome,
        }
    }
}

/// Locks tables exclusively, for [`with_table_locks`].
///
/// Our statements lock the tables in different orders: `record` reads deliveries and writes the ledger first, `insert` writes
/// deliveries first. So no order of locks is free of deadlocks. Instead, each lock is waited for 100 ms, or a quarter of
/// `deadlock_timeout` if that is less, and then all locks are released, before Postgres searches for a deadlock.
pub(super) fn tables(conn: &mut PgConnection, tables: &[&str]) -> Result<()> {
    tables_in(conn, tables, "ACCESS EXCLUSIVE")
}

/// [`tables`] in a given mode.
pub(crate) fn tables_in(conn: &mut PgConnection, tables: &[&str], mode: &str) -> Result<()> {
    if tables.is_empty() {
        return Ok(());
    }
    let lock = sql!("migrations/lock_tables")
        .replace(":tables", &tables.join(", "))
        .replace(":mode", mode);
    sql_query(lock).execute(conn)?;
    Ok(())
}

/// Recognized by the DETAIL of `lock_tables.sql`, because Diesel drops the SQLSTATE.
pub(crate) fn is_in_use(error: &Error) -> bool {
    let Error::Database(DieselError::DatabaseError(_, information)) = error else {
        return false;
    };
    information.details() == Some("mailglass:in_use")
}

#[derive(QueryableByName)]
struct LockTimeout {
    #[diesel(sql_type = BigInt)]
    milliseconds: i64,
}

pub(crate) fn timeout(conn: &mut PgConnection) -> Result<Duration> {
    let LockTimeout { milliseconds } = sql_query(sql!("migrations/lock_timeout")).get_result(conn)?;
    Ok(match milliseconds {
        0 => DEFAULT_TIMEOUT,
        limit => Duration::from_millis(limit.unsigned_abs()),
    })
}

/// If the caller's transaction keeps its snapshot, rows that others insert can't be counted.
fn reject_old_snapshots(conn: &mut PgConnection) -> Result<()> {
    if !is_in_transaction(conn) {
        return Ok(());
    }
    let isolation = diesel::dsl::sql::<Text>("pg_catalog.current_setting('transaction_isolation')");
    let isolation: String = diesel::select(isolation).get_result(conn)?;
    if isolation == "read committed" || isolation == "read uncommitted" {
        return Ok(());
    }
    let isolation = isolation.to_uppercase();
    Err(Rejected(format!(
        "reverting inside a transaction requires READ COMMITTED, but this one is {isolation}"
    ))
    .into())
}
