//! Reverting this crate's migrations. Diesel's own functions revert the last of all, which may be the application's.

use std::sync::LazyLock;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Oid, Text};

use super::failure::{Task, with_missing_rights};
use super::files::{FILES, MigrationFiles};
use super::{apply, list, lock};
use crate::contract::tables;
use crate::error::{Error, LostRows, Result};
use crate::sql::{sql, with_parameters};

/// Whether reverting may drop a table that has rows, or remove the guard of a ledger that has rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataLoss {
    /// Return [`Error::WouldLoseData`] or [`Error::WouldUnguardLedger`], and change nothing.
    Reject,
    /// Drop the table or the guard.
    Accept,
}

/// Reverts this crate's migrations down to `version`, which stays applied, or all of them for `None`, and returns the reverted
/// versions, newest first. The application's own migrations stay applied.
///
/// It is one transaction: if a migration can't be reverted, all stay applied.
///
/// It locks all tables exclusively. If it can't lock them at once, it releases its locks and retries for one minute, or for the
/// session's `lock_timeout` if there is one. So it does not block the application for long.
///
/// ```
/// # test_support::with_database(|conn| {
/// use mailglass::migrations::{DataLoss, FILES, revert_to, run};
///
/// let stays = FILES[FILES.len() - 2].version;
/// let reverted = revert_to(conn, Some(stays), DataLoss::Reject)?;
/// assert_eq!(run(conn)?, reverted);
///
/// // This is refused if a table has rows.
/// assert_eq!(revert_to(conn, None, DataLoss::Reject)?.len(), FILES.len());
/// # Ok(())
/// # });
/// ```
///
/// # Errors
/// - [`Error::Invalid`]: no migration has that version
/// - [`Error::WouldLoseData`] and [`Error::WouldUnguardLedger`]: see [`DataLoss`]
/// - [`Error::Migration`]: a migration can't be reverted, the tables stayed in use, or your transaction is not READ COMMITTED,
///   so that rows that others insert can't be counted
pub fn revert_to(conn: &mut PgConnection, version: Option<&str>, data_loss: DataLoss) -> Result<Vec<String>> {
    if let Some(version) = version
        && !FILES.iter().any(|migration| migration.version == version)
    {
        return Err(Error::invalid(
            "version",
            format!("{version:?} is not a migration of this crate"),
        ));
    }
    let reverted = lock::with_table_locks(conn, |conn| {
        let mut migrations = list::applied(conn)?;
        migrations.retain(|migration| Some(migration.version) > version);
        revert(conn, &migrations, data_loss, |_| Ok(()))?;
        Ok(migrations
            .iter()
            .rev()
            .map(|migration| migration.version.to_owned())
            .collect())
    });
    reverted.map_err(|error| with_missing_rights(conn, Task::Revert, error))
}

/// Reverts this crate's last applied migration and applies it again, in one transaction. Returns its version; `None` if none is
/// applied.
///
/// ```
/// # test_support::with_database(|conn| {
/// use mailglass::migrations::{DataLoss, FILES, redo};
///
/// assert_eq!(redo(conn, DataLoss::Reject)?.as_deref(), FILES.last().map(|last| last.version));
/// # Ok(())
/// # });
/// ```
///
/// # Errors
/// As [`revert_to`].
pub fn redo(conn: &mut PgConnection, data_loss: DataLoss) -> Result<Option<String>> {
    let redone = lock::with_table_locks(conn, |conn| {
        let Some(last) = list::applied(conn)?.pop() else {
            return Ok(None);
        };
        revert(conn, &[last], data_loss, |conn| {
            apply::apply(conn, last)?;
            Ok(())
        })?;
        Ok(Some(last.version.to_owned()))
    });
    redone.map_err(|error| with_missing_rights(conn, Task::Redo, error))
}

/// Reverts migrations inside the caller's transaction, newest first, and then runs `and_then`.
fn revert(
    conn: &mut PgConnection,
    migrations: &[&'static MigrationFiles],
    data_loss: DataLoss,
    and_then: impl FnOnce(&mut PgConnection) -> Result<()>,
) -> Result<()> {
    if migrations.is_empty() {
        return Ok(());
    }
    let existing = existing_tables(conn)?;
    let tables: Vec<&'static str> = existing.iter().map(|(name, _)| *name).collect();
    // No row may be inserted between the count and the drop.
    lock::tables(conn, &tables)?;
    let filled = match data_loss {
        DataLoss::Reject => count_rows(conn, &tables)?,
        DataLoss::Accept => Vec::new(),
    };
    let guarded = guarded_tables(conn)?;
    for migration in migrations.iter().rev() {
        apply::revert(conn, migration)?;
    }
    // Compared afterwards, so that no list of the tables that each migration drops is needed. By oid, because search_path may
    // find another schema's table once ours is dropped.
    let left = existing_tables(conn)?;
    let was_dropped = |name| existing.iter().any(|table| table.0 == name && !left.contains(table));
    let is_lost = |filled: &&LostRows| filled.count > 0 && was_dropped(filled.table);
    let lost: Vec<LostRows> = filled.iter().filter(is_lost).copied().collect();
    if !lost.is_empty() {
        return Err(Error::WouldLoseData(lost));
    }
    and_then(conn)?;
    if matches!(data_loss, DataLoss::Accept) {
        return Ok(());
    }
    let still_guarded = guarded_tables(conn)?;
    let mut rows = 0;
    for table in guarded.iter().filter(|table| !still_guarded.contains(table)) {
        rows += match filled.iter().find(|filled| filled.table == table) {
            Some(filled) => filled.count,
            // An old ledger.
            None => count(conn, table)?,
        };
    }
    match rows {
        0 => Ok(()),
        rows => Err(Error::WouldUnguardLedger { rows }),
    }
}

fn count_rows(conn: &mut PgConnection, tables: &[&'static str]) -> Result<Vec<LostRows>> {
    let mut counts = Vec::new();
    for table in tables {
        let count = count(conn, table)?;
        counts.push(LostRows { table, count });
    }
    Ok(counts)
}

fn count(conn: &mut PgConnection, table: &str) -> QueryResult<i64> {
    let count = diesel::dsl::sql::<BigInt>(&format!("(SELECT pg_catalog.count(*) FROM {table})"));
    diesel::select(count).get_result(conn)
}

static EXISTING_TABLES: LazyLock<String> =
    LazyLock::new(|| with_parameters(&["names"], &[], sql!("migrations/existing_tables")));

#[derive(QueryableByName)]
struct ExistingTable {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Oid)]
    oid: u32,
}

/// The tables that `search_path` finds, by name and oid.
fn existing_tables(conn: &mut PgConnection) -> Result<Vec<(&'static str, u32)>> {
    let ours: Vec<&'static str> = tables().collect();
    let existing: Vec<ExistingTable> = sql_query(EXISTING_TABLES.as_str())
        .bind::<Array<Text>, _>(&ours)
        .load(conn)?;
    let found = |name: &'static str| {
        let table = existing.iter().find(|existing| existing.name == name)?;
        Some((name, table.oid))
    };
    Ok(ours.into_iter().filter_map(found).collect())
}

#[derive(QueryableByName)]
struct Guarded {
    #[diesel(sql_type = Text)]
    name: String,
}

/// The tables that the guard protects, quoted for a statement.
fn guarded_tables(conn: &mut PgConnection) -> Result<Vec<String>> {
    let guarded: Vec<Guarded> = sql_query(sql!("migrations/guard")).load(conn)?;
    Ok(guarded.into_iter().map(|table| table.name).collect())
}
