//! Why the database didn't do what it was asked for.
//!
//! Diesel drops the SQLSTATE, and messages are translated. So nothing here reads a message: what went wrong is told by the
//! error's kind, and else by asking the database.

use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Array, Text};
use mailglass::contract::{self, Difference, NAMES, ObjectKind};
use mailglass::{Error, Result};

use crate::failure::{Failure, Kind};

/// The tables that the manifest promises.
pub(crate) fn promised_tables() -> Vec<&'static str> {
    let tables = NAMES.iter().filter(|it| it.kind == "table" && it.removed.is_none());
    tables.map(|it| it.name).collect()
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
    let names: Vec<String> = promised_tables().iter().map(|it| format!("'{it}'")).collect();
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

/// Where the database isn't what this release expects, that is what explains an error.
fn unexpected(message: &str, differences: &[Difference]) -> Option<Failure> {
    if let Some(newer) = newer_release(differences) {
        return Some(Failure::new(Kind::UnexpectedDatabase, format!("{newer} ({message})")).hint(UPGRADE));
    }
    let broken = differences.iter().filter(|it| !it.is_harmless).count();
    (broken > 0).then(|| {
        let message = format!("{message}; the database differs from what this release expects in {broken} places");
        Failure::new(Kind::UnexpectedDatabase, message).hint("`mailglass verify` lists them")
    })
}

pub(crate) const UPGRADE: &str = "install the mailglass that migrated this database, or a newer one";

/// Labels that this release doesn't know can only be a newer one's.
pub(crate) fn newer_release(differences: &[Difference]) -> Option<String> {
    let is_unknown = |it: &&Difference| it.kind == ObjectKind::Label && it.expected.is_none();
    let unknown: Vec<&str> = differences
        .iter()
        .filter(is_unknown)
        .map(|it| it.object.as_str())
        .collect();
    (!unknown.is_empty()).then(|| {
        format!(
            "this database was migrated by a newer release than {}, which doesn't know {}",
            env!("CARGO_PKG_VERSION"),
            unknown.join(", ")
        )
    })
}
