//! Whether the ledger refuses to be changed: tried, not looked up.

use diesel::connection::Connection as _;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_query;
use diesel::sql_types::Bool;
use mailglass::Error;

use super::check::{Check, Outcome};
use crate::connection::Connection;
use crate::failure::Failure;

/// Statements that would change no row. The guard refuses them all the same.
const ATTEMPTS: [(&str, &str, &str); 2] = [
    (
        "UPDATE",
        "UPDATE mailglass_events SET id = id WHERE false",
        // PostgreSQL manual, "UPDATE": the right to read what the expressions read, too.
        "has_column_privilege('mailglass_events', 'id', 'UPDATE')
         AND has_column_privilege('mailglass_events', 'id', 'SELECT')",
    ),
    (
        "DELETE",
        "DELETE FROM mailglass_events WHERE false",
        "has_table_privilege('mailglass_events', 'DELETE')",
    ),
];

enum Answer {
    /// By the guard.
    Refused,
    /// By Postgres, before the guard was asked.
    NotAllowed,
    ReadOnly,
    Accepted,
}

pub(super) fn probe(connection: &mut Connection, tables: &[String]) -> Result<Check, Failure> {
    let check = |outcome, detail: String| Check {
        check: "guard",
        outcome,
        detail,
    };
    if !tables.iter().any(|table| table == "mailglass_events") {
        return Ok(check(Outcome::Failed, "there is no ledger".to_owned()));
    }
    let mut outcome = Outcome::Passed;
    let mut details = Vec::new();
    for (what, statement, privilege) in ATTEMPTS {
        let detail = match connection.run(|conn| attempt(conn, statement, privilege))? {
            Answer::Refused => "is refused by the guard",
            Answer::NotAllowed => "is refused: this role has no right to it",
            Answer::ReadOnly => {
                outcome = Outcome::Skipped;
                "can't be tried: the session is read-only"
            }
            Answer::Accepted => {
                outcome = Outcome::Failed;
                "is accepted: the ledger can be rewritten"
            }
        };
        details.push(format!("{what} {detail}"));
    }
    Ok(check(outcome, details.join("; ")))
}

/// In a transaction that is rolled back, whatever comes of it.
fn attempt(conn: &mut PgConnection, statement: &str, privilege: &str) -> mailglass::Result<Answer> {
    // Asked first, because Diesel doesn't tell a missing right from other errors.
    if !diesel::select(sql::<Bool>(privilege)).get_result::<bool>(conn)? {
        return Ok(Answer::NotAllowed);
    }
    let tried = conn.transaction::<(), Error, _>(|conn| {
        sql_query(statement).execute(conn)?;
        Err(DieselError::RollbackTransaction.into())
    });
    match tried {
        Err(Error::LedgerImmutable { .. }) => Ok(Answer::Refused),
        Err(Error::Database(DieselError::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, _))) => {
            Ok(Answer::ReadOnly)
        }
        Ok(()) | Err(Error::Database(DieselError::RollbackTransaction)) => Ok(Answer::Accepted),
        Err(error) => Err(error),
    }
}
