//! The transactions of a cut, and its locks.

use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;

use super::ledger::Ledger;
use crate::error::{CutRejection, Error, Result};
use crate::migrations::lock;
use crate::sql::{sql, with_parameters};

/// The pause between two attempts to lock the tables. A request waits for at most 100 ms, and recorders wait behind it; so they get
/// the larger part of the time.
const PAUSE: Duration = Duration::from_millis(250);

static SETTINGS: LazyLock<String> = LazyLock::new(|| with_parameters(&["schema"], &[], sql!("retention/settings")));

/// Runs one step of a cut in a transaction of its own. READ COMMITTED: a statement after a lock must see what was committed before
/// the lock was granted.
pub(super) fn in_step<T>(
    conn: &mut PgConnection,
    ledger: &Ledger,
    work: impl FnOnce(&mut PgConnection) -> Result<T>,
) -> Result<T> {
    conn.build_transaction().read_committed().run(|conn| {
        apply_settings(conn, ledger)?;
        work(conn)
    })
}

/// [`in_step`] while no other process migrates, or begins or swaps a cut.
pub(super) fn while_nobody_migrates<T>(
    conn: &mut PgConnection,
    ledger: &Ledger,
    work: impl FnOnce(&mut PgConnection) -> Result<T>,
) -> Result<T> {
    lock::with_migration_lock(conn, |conn| {
        apply_settings(conn, ledger)?;
        work(conn)
    })
}

fn apply_settings(conn: &mut PgConnection, ledger: &Ledger) -> diesel::QueryResult<()> {
    sql_query(SETTINGS.as_str())
        .bind::<Text, _>(&ledger.schema)
        .execute(conn)?;
    Ok(())
}

/// How long a step tries to lock the tables: the session's `lock_timeout`, or one minute.
pub(super) struct Patience {
    start: Instant,
    limit: Duration,
}

impl Patience {
    pub(super) fn new(conn: &mut PgConnection) -> Result<Patience> {
        Ok(Patience {
            limit: lock::timeout(conn)?,
            start: Instant::now(),
        })
    }

    /// Waits before the next attempt, or gives up.
    pub(super) fn pause(&self) -> Result<()> {
        if self.start.elapsed() >= self.limit {
            return Err(CutRejection::InUse(self.limit).into());
        }
        thread::sleep(PAUSE);
        Ok(())
    }
}

/// Repeats work that locks tables until it gets the locks.
pub(super) fn until_locked<T>(
    conn: &mut PgConnection,
    mut work: impl FnMut(&mut PgConnection) -> Result<T>,
) -> Result<T> {
    let patience = Patience::new(conn)?;
    loop {
        match work(conn) {
            Err(error) if lock::is_in_use(&error) => patience.pause()?,
            outcome => return outcome,
        }
    }
}

/// Whether an attempt failed because the tables were in use.
pub(super) fn is_in_use(error: &Error) -> bool {
    lock::is_in_use(error)
}

/// Keeps writers out, and waits for those that have not committed. Readers continue.
pub(super) fn lock_writers_out(conn: &mut PgConnection) -> Result<()> {
    lock::tables_in(conn, &LOCKED, "SHARE ROW EXCLUSIVE")
}

/// Keeps everybody out.
pub(super) fn lock_all_out(conn: &mut PgConnection) -> Result<()> {
    lock::tables_in(conn, &LOCKED, "ACCESS EXCLUSIVE")
}

/// Keeps readers of the old ledger out.
pub(super) fn lock_old_ledger(conn: &mut PgConnection, name: &str) -> Result<()> {
    lock::tables_in(conn, &[name], "ACCESS EXCLUSIVE")
}

/// The tables with the triggers that note what arrives.
const LOCKED: [&str; 2] = ["mailglass_events", "mailglass_event_links"];
