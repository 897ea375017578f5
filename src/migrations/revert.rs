//! Taking migrations back, and only ours: Diesel's own calls take the last of all, which may be the application's.

use diesel::dsl::sql;
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool};
use diesel_migrations::MigrationHarness;

use super::{FILES, MIGRATIONS, list, one_at_a_time};
use crate::contract::tables;
use crate::error::{Error, LostRows, Result};

/// Whether reverting may drop a table that has rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataLoss {
    /// It may not: that is [`Error::WouldLoseData`], and nothing is changed.
    Refuse,
    /// It may, and what is lost is lost.
    Accept,
}

/// Reverts this crate's migrations down to `version`, which stays applied, or all of them for `None`, and returns the versions
/// that were reverted, newest first. Migrations of the application's stay as they are.
///
/// It is one transaction: where one can't be reverted, all stay applied. While it runs nobody else reads or writes the tables.
///
/// ```
/// # mod doctest { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doctest/with_database.rs")); }
/// # doctest::with_database(|conn| {
/// use mailglass::migrations::{DataLoss, FILES, revert_to, run};
///
/// let reverted = revert_to(conn, Some("20261121231505"), DataLoss::Refuse)?;
/// assert_eq!(run(conn)?.len(), reverted.len());
///
/// // The tables are empty, or this would be refused.
/// assert_eq!(revert_to(conn, None, DataLoss::Refuse)?.len(), FILES.len());
/// # Ok(())
/// # });
/// ```
///
/// # Errors
/// [`Error::Invalid`] where no migration has that version, [`Error::WouldLoseData`] where rows would be lost and that wasn't
/// accepted, [`Error::Migration`] where one can't be reverted.
pub fn revert_to(conn: &mut PgConnection, version: Option<&str>, data_loss: DataLoss) -> Result<Vec<String>> {
    if let Some(version) = version
        && !FILES.iter().any(|it| it.version == version)
    {
        return Err(Error::invalid(
            "version",
            format!("{version:?} is no migration of this crate"),
        ));
    }
    one_at_a_time(conn, |conn| {
        let mut migrations = applied(conn)?;
        migrations.retain(|it| Some(version_of(&**it).as_str()) > version);
        let tables = tables_there(conn)?;
        conn.transaction(|conn| revert(conn, &migrations, &tables, data_loss))
    })
}

/// Reverts the last of this crate's migrations that is applied and applies it again, as one transaction, and returns its
/// version; `None` where none is applied.
///
/// ```
/// # mod doctest { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doctest/with_database.rs")); }
/// # doctest::with_database(|conn| {
/// use mailglass::migrations::{DataLoss, FILES, redo};
///
/// assert_eq!(redo(conn, DataLoss::Refuse)?.as_deref(), FILES.last().map(|it| it.version));
/// # Ok(())
/// # });
/// ```
///
/// # Errors
/// As [`revert_to`].
pub fn redo(conn: &mut PgConnection, data_loss: DataLoss) -> Result<Option<String>> {
    one_at_a_time(conn, |conn| {
        let Some(last) = applied(conn)?.pop() else {
            return Ok(None);
        };
        let tables = tables_there(conn)?;
        conn.transaction(|conn| {
            let mut reverted = revert(conn, std::slice::from_ref(&last), &tables, data_loss)?;
            conn.run_migration(&*last).map_err(Error::Migration)?;
            Ok(reverted.pop())
        })
    })
}

/// Ours that are applied, oldest first.
fn applied(conn: &mut PgConnection) -> Result<Vec<Box<dyn Migration<Pg>>>> {
    let listed = list(conn)?;
    let is_applied = |version: &str| listed.iter().any(|it| it.is_applied && it.version == version);
    let mut migrations = MigrationSource::<Pg>::migrations(&MIGRATIONS).map_err(Error::Migration)?;
    migrations.retain(|it| is_applied(&version_of(&**it)));
    migrations.sort_by_key(|it| version_of(&**it));
    Ok(migrations)
}

fn version_of(migration: &dyn Migration<Pg>) -> String {
    migration.name().version().to_string()
}

/// Reverts the newest first, inside the caller's transaction.
fn revert(
    conn: &mut PgConnection,
    migrations: &[Box<dyn Migration<Pg>>],
    tables: &[&'static str],
    data_loss: DataLoss,
) -> Result<Vec<String>> {
    let filled = match data_loss {
        DataLoss::Refuse if !migrations.is_empty() => count_rows(conn, tables)?,
        _ => Vec::new(),
    };
    let mut reverted = Vec::new();
    for migration in migrations.iter().rev() {
        let version = conn.revert_migration(&**migration).map_err(Error::Migration)?;
        reverted.push(version.to_string());
    }
    // Asked afterwards, so that nobody has to keep a list of what each migration drops.
    let left = tables_there(conn)?;
    let lost: Vec<LostRows> = filled
        .into_iter()
        .filter(|it| it.count > 0 && !left.contains(&it.table))
        .collect();
    match lost.is_empty() {
        true => Ok(reverted),
        false => Err(Error::WouldLoseData(lost)),
    }
}

/// Locks the tables, so that nobody inserts between the count and the drop, and counts. The locks come before the
/// transaction's first snapshot, so that it has what others committed while this waited, at any isolation level.
fn count_rows(conn: &mut PgConnection, tables: &[&'static str]) -> Result<Vec<LostRows>> {
    for table in tables {
        sql_query(format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")).execute(conn)?;
    }
    let mut counts = Vec::new();
    for table in tables {
        let count = sql::<BigInt>(&format!("(SELECT count(*) FROM {table})"));
        let count = diesel::select(count).get_result(conn)?;
        counts.push(LostRows { table, count });
    }
    Ok(counts)
}

fn tables_there(conn: &mut PgConnection) -> Result<Vec<&'static str>> {
    let mut there = Vec::new();
    for table in tables() {
        let is_there = sql::<Bool>(&format!("to_regclass('{table}') IS NOT NULL"));
        if diesel::select(is_there).get_result(conn)? {
            there.push(table);
        }
    }
    Ok(there)
}
