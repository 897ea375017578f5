//! Taking migrations back, and only ours: Diesel's own calls take the last of all, which may be the application's.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};

use super::failure::{Task, explain};
use super::{FILES, MigrationFiles, apply, list, lock};
use crate::contract::tables;
use crate::error::{Error, LostRows, Result};

const LEDGER: &str = "mailglass_events";

/// Whether reverting may drop a table that has rows, or take the guard away from a ledger that has rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataLoss {
    /// It may not: that is [`Error::WouldLoseData`] or [`Error::WouldUnguardLedger`], and nothing is changed.
    Refuse,
    /// It may. What is lost is lost, and what was changed while there was no guard stays changed.
    Accept,
}

/// Reverts this crate's migrations down to `version`, which stays applied, or all of them for `None`, and returns the versions
/// that were reverted, newest first. Migrations of the application's stay as they are.
///
/// It is one transaction: if one can't be reverted, all stay applied. While it runs nobody else reads or writes the tables.
///
/// It locks all the tables, and gives way to who works on them: if it doesn't get them at once, it releases everything, and
/// tries again for a minute, or for the session's `lock_timeout` if there is one.
///
/// ```
/// # test_support::with_database(|conn| {
/// use mailglass::migrations::{DataLoss, FILES, revert_to, run};
///
/// let stays = FILES[FILES.len() - 2].version;
/// let reverted = revert_to(conn, Some(stays), DataLoss::Refuse)?;
/// assert_eq!(run(conn)?, reverted);
///
/// // The tables are empty, or this would be refused.
/// assert_eq!(revert_to(conn, None, DataLoss::Refuse)?.len(), FILES.len());
/// # Ok(())
/// # });
/// ```
///
/// # Errors
/// [`Error::Invalid`] if no migration has that version, [`Error::WouldLoseData`] or [`Error::WouldUnguardLedger`] if that would
/// happen and isn't accepted, [`Error::Migration`] if one can't be reverted, if the tables are in use all the time, or in a
/// transaction of yours that isn't READ COMMITTED, where the rows that others inserted can't be counted.
pub fn revert_to(conn: &mut PgConnection, version: Option<&str>, data_loss: DataLoss) -> Result<Vec<String>> {
    if let Some(version) = version
        && !FILES.iter().any(|migration| migration.version == version)
    {
        return Err(Error::invalid(
            "version",
            format!("{version:?} is no migration of this crate"),
        ));
    }
    let reverted = lock::alone_with_tables(conn, |conn| {
        let mut migrations = list::applied(conn)?;
        migrations.retain(|migration| Some(migration.version) > version);
        revert(conn, &migrations, data_loss, |_| Ok(()))?;
        Ok(migrations
            .iter()
            .rev()
            .map(|migration| migration.version.to_owned())
            .collect())
    });
    reverted.map_err(|error| explain(conn, Task::Revert, error))
}

/// Reverts the last of this crate's migrations that is applied and applies it again, as one transaction, and returns its
/// version; `None` where none is applied.
///
/// ```
/// # test_support::with_database(|conn| {
/// use mailglass::migrations::{DataLoss, FILES, redo};
///
/// assert_eq!(redo(conn, DataLoss::Refuse)?.as_deref(), FILES.last().map(|last| last.version));
/// # Ok(())
/// # });
/// ```
///
/// # Errors
/// As [`revert_to`].
pub fn redo(conn: &mut PgConnection, data_loss: DataLoss) -> Result<Option<String>> {
    let redone = lock::alone_with_tables(conn, |conn| {
        let Some(last) = list::applied(conn)?.pop() else {
            return Ok(None);
        };
        revert(conn, &[last], data_loss, |conn| {
            apply::apply(conn, last)?;
            Ok(())
        })?;
        Ok(Some(last.version.to_owned()))
    });
    redone.map_err(|error| explain(conn, Task::Redo, error))
}

/// Reverts the newest first, and does something afterwards, inside the caller's transaction.
fn revert(
    conn: &mut PgConnection,
    migrations: &[&'static MigrationFiles],
    data_loss: DataLoss,
    and_then: impl FnOnce(&mut PgConnection) -> Result<()>,
) -> Result<()> {
    if migrations.is_empty() {
        return Ok(());
    }
    let tables = tables_there(conn)?;
    // So that nobody inserts between the count and the drop.
    lock::tables(conn, &tables)?;
    let filled = match data_loss {
        DataLoss::Refuse => count_rows(conn, &tables)?,
        DataLoss::Accept => Vec::new(),
    };
    let was_guarded = is_guarded(conn)?;
    for migration in migrations.iter().rev() {
        apply::revert(conn, migration)?;
    }
    // Asked afterwards, so that nobody has to keep a list of what each migration drops.
    let left = tables_there(conn)?;
    let is_lost = |filled: &&LostRows| filled.count > 0 && !left.contains(&filled.table);
    let lost: Vec<LostRows> = filled.iter().filter(is_lost).copied().collect();
    if !lost.is_empty() {
        return Err(Error::WouldLoseData(lost));
    }
    and_then(conn)?;
    let ledger = filled.iter().find(|filled| filled.table == LEDGER && filled.count > 0);
    if let Some(ledger) = ledger
        && was_guarded
        && !is_guarded(conn)?
    {
        return Err(Error::WouldUnguardLedger { rows: ledger.count });
    }
    Ok(())
}

fn count_rows(conn: &mut PgConnection, tables: &[&'static str]) -> Result<Vec<LostRows>> {
    let mut counts = Vec::new();
    for table in tables {
        let count = sql::<BigInt>(&format!("(SELECT pg_catalog.count(*) FROM {table})"));
        let count = diesel::select(count).get_result(conn)?;
        counts.push(LostRows { table, count });
    }
    Ok(counts)
}

fn tables_there(conn: &mut PgConnection) -> Result<Vec<&'static str>> {
    let mut there = Vec::new();
    for table in tables() {
        if list::is_there(conn, &format!("pg_catalog.to_regclass('{table}')"))? {
            there.push(table);
        }
    }
    Ok(there)
}

fn is_guarded(conn: &mut PgConnection) -> Result<bool> {
    let guard = format!(
        "EXISTS (SELECT FROM pg_catalog.pg_trigger
                  WHERE tgrelid = pg_catalog.to_regclass('{LEDGER}') AND tgname = 'mailglass_events_immutable_trigger')"
    );
    Ok(diesel::select(sql::<Bool>(&guard)).get_result(conn)?)
}
