//! The reason for a database error.
//!
//! Diesel drops the SQLSTATE, and the server's messages are translated, so messages are not parsed. The reason follows from
//! the error's variant, or from queries that are sent afterwards.

use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Text};
use mailglass::contract::{self, Difference, NAMES, ObjectKind};
use mailglass::{CutRejection, Error, Result, migrations};

use crate::failure::{Failure, Kind};
use crate::output::count;

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
            return Failure::failed(format!("no {record} {id}")).hint("with --tenant, only that tenant is searched");
        }
        Error::WouldLoseData(_) => {
            return Failure::failed(format!("{message}; nothing was changed"))
                .hint("to drop them anyway, make a backup and add --yes-drop-data");
        }
        Error::WouldUnguardLedger { .. } => {
            return Failure::failed(format!("{message}; nothing was changed"))
                .hint("to remove the guard anyway, add --yes-drop-data");
        }
        Error::CutRejected(rejection) => return rejected(message, &rejection),
        Error::SerializationFailure(_) => {
            return Failure::failed(message).hint("the transaction was rolled back; run the command again");
        }
        _ => {}
    }
    // A reachable server accepts ROLLBACK in every state of the session.
    if conn.batch_execute("ROLLBACK").is_err() {
        return Failure::new(
            Kind::Unreachable,
            format!("lost the connection to the server: {message}"),
        )
        .hint("the server rolls back the current step; run the command again when the server is reachable");
    }
    // While migrations are pending, differences are no explanation.
    if error.is_migration() {
        return Failure::failed(message);
    }
    match (tables(conn), contract::verify(conn)) {
        (Ok(found), _) if found.len() < promised_tables().len() => not_migrated(),
        (Ok(_), Ok(differences)) => unexpected(&message, &differences).unwrap_or_else(|| Failure::failed(message)),
        _ => Failure::failed(message),
    }
}

fn rejected(message: String, rejection: &CutRejection) -> Failure {
    let failure = Failure::failed(message);
    match rejection {
        CutRejection::NotOwner { .. } => failure.hint("connect as the owner of the tables"),
        CutRejection::Dependents(_) => failure.hint("drop these objects, and create them again after the cut"),
        CutRejection::RowSecurity(_) => failure.hint("connect as a role with BYPASSRLS"),
        CutRejection::Unfinished | CutRejection::AlreadySwapped => {
            failure.hint("`mailglass retention --status` prints its state, and --resume continues it")
        }
        CutRejection::NoCut => failure.hint("begin one with --older-than"),
        CutRejection::LedgerChanged => failure.hint("run `mailglass retention --abort`, and begin again"),
        CutRejection::InUse(_) => {
            failure.hint("run `mailglass retention --status`; if a cut is unfinished, continue it with --resume")
        }
        _ => failure,
    }
}

/// The mailglass tables that this connection's `search_path` finds.
pub(crate) fn tables(conn: &mut PgConnection) -> Result<Vec<String>> {
    let names: Vec<String> = promised_tables().iter().map(|table| format!("'{table}'")).collect();
    let names = names.join(", ");
    let found = format!("ARRAY(SELECT name FROM unnest(ARRAY[{names}]) AS name WHERE to_regclass(name) IS NOT NULL)");
    Ok(diesel::select(sql::<Array<Text>>(&found)).get_result(conn)?)
}

pub(crate) fn not_migrated() -> Failure {
    Failure::new(
        Kind::UnexpectedDatabase,
        "mailglass tables are missing from this database",
    )
    .hint("run `mailglass migrate`, or name their schema: postgresql://…?options=-csearch_path%3Dmail")
}

/// The failure for a database that another release migrated: labels, tables or columns differ, or migrations are pending.
/// This release might misread its rows or write wrong ones. Indexes and constraints that differ are left to `mailglass verify`.
pub(crate) fn of_another_release(conn: &mut PgConnection) -> Result<Option<Failure>> {
    let mut differences = contract::verify(conn)?;
    if let Some(newer) = newer_release(&differences) {
        return Ok(Some(Failure::new(Kind::UnexpectedDatabase, newer).hint(UPGRADE)));
    }
    if may_read_versions(conn)? {
        let listed = migrations::list(conn)?;
        let pending = listed.iter().filter(|migration| !migration.is_applied).count();
        // If no migration is recorded, migrations of the host created the tables.
        if (1..listed.len()).contains(&pending) {
            let pending = count(pending, "migration is", "migrations are");
            let message = format!("an older release migrated this database: {pending} pending");
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

/// The failure for a database that differs from what this release expects. Such differences are the likely reason for an error.
fn unexpected(message: &str, differences: &[Difference]) -> Option<Failure> {
    if let Some(newer) = newer_release(differences) {
        return Some(Failure::new(Kind::UnexpectedDatabase, format!("{newer} ({message})")).hint(UPGRADE));
    }
    let broken = differences.iter().filter(|difference| !difference.is_harmless).count();
    (broken > 0).then(|| {
        let differences = count(broken, "difference", "differences");
        let message = format!("{message}; the database has {differences} from what this release expects");
        Failure::new(Kind::UnexpectedDatabase, message).hint("run `mailglass verify` to list them")
    })
}

pub(crate) const UPGRADE: &str = "install the release of mailglass that migrated this database, or a newer one";

/// The message for a database with labels that this release doesn't know. Only a newer release adds labels.
pub(crate) fn newer_release(differences: &[Difference]) -> Option<String> {
    let is_unknown = |difference: &&Difference| difference.kind == ObjectKind::Label && difference.expected.is_none();
    let unknown: Vec<&str> = differences
        .iter()
        .filter(is_unknown)
        .map(|difference| difference.object.as_str())
        .collect();
    (!unknown.is_empty()).then(|| {
        format!(
            "a newer release migrated this database: {} does not know {}",
            env!("CARGO_PKG_VERSION"),
            unknown.join(", ")
        )
    })
}
