//! Why the database didn't do what it was asked for.
//!
//! Diesel drops the SQLSTATE, and messages are translated. So nothing here reads a message: what went wrong is told by the
//! error's kind, and else by asking the database.

use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Text};
use mailglass::contract::{self, Difference, NAMES, ObjectKind};
use mailglass::{Error, Result, migrations};

use crate::failure::{Failure, Kind};

/// The tables that the manifest promises.
pub(crate) fn promised_tables() -> Vec<&'static str> {
    let tables = NAMES
        .iter()
        .filter(|promised| promised.kind == "table" && promised.removed.is_none());
    tables.map(|table| table.name).collect()
}

pub(crate) fn diagnose(conn: &mut PgConnection, error: Error) -> Failure {
    let message = error.to_string();
    match error {
        Error::Invalid(_) => return Failure::failed(message),
        Error::NotFound { record, id } => {
            return Failure::failed(format!("no {record} {id}")).hint("with --tenant it is only found there");
        }
        Error::WouldLoseData(_) => {
            return Failure::failed(format!("{message}; nothing was changed"))
                .hint("make a backup, and add --yes-drop-data if they may go");
        }
        Error::WouldUnguardLedger { .. } => {
            return Failure::failed(format!("{message}; nothing was changed"))
                .hint("add --yes-drop-data if the ledger may be changed by whoever can write to it");
        }
        Error::SerializationFailure(_) => return Failure::failed(message).hint("nothing of it was kept: run it again"),
        _ => {}
    }
    // A server that is there takes this in whatever state the session is.
    if conn.batch_execute("ROLLBACK").is_err() {
        return Failure::new(Kind::Unreachable, format!("the server went away: {message}"))
            .hint("it rolls back what was at hand; once it is back, run the command again");
    }
    // A migration that fails finds the database as migrations do, half way.
    if error.is_migration() {
        return Failure::failed(message);
    }
    match (tables(conn), contract::verify(conn)) {
        (Ok(there), _) if there.len() < promised_tables().len() => not_migrated(),
        (Ok(_), Ok(differences)) => unexpected(&message, &differences).unwrap_or_else(|| Failure::failed(message)),
        _ => Failure::failed(message),
    }
}

/// Those of ours that this connection's `search_path` finds.
pub(crate) fn tables(conn: &mut PgConnection) -> Result<Vec<String>> {
    let names: Vec<String> = promised_tables().iter().map(|table| format!("'{table}'")).collect();
    let names = names.join(", ");
    let there = format!("ARRAY(SELECT name FROM unnest(ARRAY[{names}]) AS name WHERE to_regclass(name) IS NOT NULL)");
    Ok(diesel::select(sql::<Array<Text>>(&there)).get_result(conn)?)
}

pub(crate) fn not_migrated() -> Failure {
    Failure::new(
        Kind::UnexpectedDatabase,
        "this database has no mailglass tables, or not all of them",
    )
    .hint("run `mailglass migrate`; if they are in another schema, say so: postgresql://…?options=-csearch_path%3Dmail")
}

/// Refuses a database that another release migrated, whose rows this one may not be able to read, or may write wrongly:
/// labels, tables and columns differ, or migrations of this release are pending. An index or a constraint that differs is for
/// `mailglass verify` to report.
pub(crate) fn of_another_release(conn: &mut PgConnection) -> Result<Option<Failure>> {
    let mut differences = contract::verify(conn)?;
    if let Some(newer) = newer_release(&differences) {
        return Ok(Some(Failure::new(Kind::UnexpectedDatabase, newer).hint(UPGRADE)));
    }
    if may_read_versions(conn)? {
        let listed = migrations::list(conn)?;
        let pending = listed.iter().filter(|migration| !migration.is_applied).count();
        // If none is recorded, others made the tables.
        if (1..listed.len()).contains(&pending) {
            let migrations = if pending == 1 { "migration is" } else { "migrations are" };
            let message = format!("this database was migrated by an older release: {pending} {migrations} pending");
            return Ok(Some(
                Failure::new(Kind::UnexpectedDatabase, message).hint("run `mailglass migrate`"),
            ));
        }
    }
    let of_rows = [
        ObjectKind::Type,
        ObjectKind::Label,
        ObjectKind::Table,
        ObjectKind::Column,
    ];
    differences.retain(|difference| of_rows.contains(&difference.kind));
    Ok(unexpected("nothing was done", &differences))
}

pub(crate) fn may_read_versions(conn: &mut PgConnection) -> Result<bool> {
    let may = "coalesce(has_table_privilege(to_regclass('__diesel_schema_migrations'), 'SELECT'), true)";
    Ok(diesel::select(sql::<Bool>(may)).get_result(conn)?)
}

/// Where the database isn't what this release expects, that is what explains an error.
fn unexpected(message: &str, differences: &[Difference]) -> Option<Failure> {
    if let Some(newer) = newer_release(differences) {
        return Some(Failure::new(Kind::UnexpectedDatabase, format!("{newer} ({message})")).hint(UPGRADE));
    }
    let broken = differences.iter().filter(|difference| !difference.is_harmless).count();
    (broken > 0).then(|| {
        let message = format!("{message}; the database differs from what this release expects in {broken} places");
        Failure::new(Kind::UnexpectedDatabase, message).hint("`mailglass verify` lists them")
    })
}

pub(crate) const UPGRADE: &str = "install the mailglass that migrated this database, or a newer one";

/// Labels that this release doesn't know can only be a newer one's.
pub(crate) fn newer_release(differences: &[Difference]) -> Option<String> {
    let is_unknown = |difference: &&Difference| difference.kind == ObjectKind::Label && difference.expected.is_none();
    let unknown: Vec<&str> = differences
        .iter()
        .filter(is_unknown)
        .map(|difference| difference.object.as_str())
        .collect();
    (!unknown.is_empty()).then(|| {
        format!(
            "this database was migrated by a newer release than {}, which doesn't know {}",
            env!("CARGO_PKG_VERSION"),
            unknown.join(", ")
        )
    })
}
