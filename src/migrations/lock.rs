//! What keeps processes that migrate at the same moment apart, and a revert apart from everybody who works.

use std::thread;
use std::time::{Duration, Instant};

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};

use super::failure::Refused;
use crate::error::{Error, Result};
use crate::retry::is_in_transaction;

/// "mailglas" in ASCII.
const LOCK: i64 = 0x6d61_696c_676c_6173;

/// How long a revert tries to lock the tables, if the session has no `lock_timeout`.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two attempts, so that those who waited for the first can go on.
const PAUSE: Duration = Duration::from_millis(50);

/// Does something as one transaction, or a savepoint of the caller's, while nobody else migrates. The lock ends with the
/// transaction, so that it is free again whatever happens, and so that it works behind a pool that deals out transactions.
///
/// A transaction of our own is READ COMMITTED whatever the session's default is: the statement that waits for the lock
/// would otherwise fix the snapshot for all that follow.
pub(super) fn alone<T>(conn: &mut PgConnection, work: impl FnOnce(&mut PgConnection) -> Result<T>) -> Result<T> {
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

/// The same for work that calls [`tables`]: it is rolled back and run again until it gets them.
pub(super) fn alone_with_tables<T>(
    conn: &mut PgConnection,
    work: impl Fn(&mut PgConnection) -> Result<T>,
) -> Result<T> {
    refuse_old_snapshots(conn)?;
    let patience = patience(conn)?;
    let start = Instant::now();
    loop {
        match alone(conn, &work) {
            Err(error) if is_in_use(&error) => {
                if start.elapsed() >= patience {
                    let message = format!(
                        "the tables were in use for {} seconds: try again when no long transaction or VACUUM holds them",
                        patience.as_secs_f32().ceil()
                    );
                    return Err(Refused(message).into());
                }
                thread::sleep(PAUSE);
            }
            outcome => return outcome,
        }
    }
}

/// Locks tables against everybody, for what [`alone_with_tables`] runs.
///
/// Statements lock our tables in different orders (`record` the ledger before the deliveries, an enqueue the other way round), so
/// no order of ours is free of deadlocks. Instead we give up and release everything before anybody else looks for one:
/// each lock is waited for 100 ms, or a quarter of `deadlock_timeout` if that is less, and there are three.
pub(super) fn tables(conn: &mut PgConnection, tables: &[&str]) -> Result<()> {
    if tables.is_empty() {
        return Ok(());
    }
    let lock = include_str!("../sql/migrations/lock_tables.sql").replace(":tables", &tables.join(", "));
    sql_query(lock).execute(conn)?;
    Ok(())
}

/// By what `lock_tables.sql` says, because Diesel drops the SQLSTATE.
fn is_in_use(error: &Error) -> bool {
    let Error::Database(DieselError::DatabaseError(_, information)) = error else {
        return false;
    };
    information.details() == Some("mailglass:in_use")
}

fn patience(conn: &mut PgConnection) -> Result<Duration> {
    let milliseconds =
        sql::<BigInt>("(SELECT setting::bigint FROM pg_catalog.pg_settings WHERE name = 'lock_timeout')");
    let milliseconds: i64 = diesel::select(milliseconds).get_result(conn)?;
    Ok(match milliseconds {
        0 => PATIENCE,
        limit => Duration::from_millis(limit.unsigned_abs()),
    })
}

/// In a transaction of the caller's that keeps its snapshot, rows that others inserted can't be counted.
fn refuse_old_snapshots(conn: &mut PgConnection) -> Result<()> {
    if !is_in_transaction(conn) {
        return Ok(());
    }
    let isolation = sql::<Text>("pg_catalog.current_setting('transaction_isolation')");
    let isolation: String = diesel::select(isolation).get_result(conn)?;
    if isolation == "read committed" || isolation == "read uncommitted" {
        return Ok(());
    }
    let isolation = isolation.to_uppercase();
    Err(Refused(format!(
        "reverting in a transaction takes READ COMMITTED, and this one is {isolation}"
    ))
    .into())
}
