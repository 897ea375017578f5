//! Tries to change the ledger, to check that its guard rejects it.

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

/// Statements that match no rows. The guard rejects them nevertheless.
const ATTEMPTS: [(&str, &str, &str); 2] = [
    (
        "UPDATE",
        "UPDATE mailglass_events SET id = id WHERE false",
        // PostgreSQL manual, "UPDATE": the expressions need the right to SELECT.
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
    /// The guard rejected the statement.
    Refused,
    /// The role has no right to the statement, so the guard did not run.
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
        return Ok(check(
            Outcome::Failed,
            "the table mailglass_events is missing".to_owned(),
        ));
    }
    let mut outcome = Outcome::Passed;
    let mut details = Vec::new();
    for (what, statement, privilege) in ATTEMPTS {
        let detail = match connection.run(|conn| attempt(conn, statement, privilege))? {
            Answer::Refused => "is rejected by the guard",
            Answer::NotAllowed => "is not permitted to this role",
            Answer::ReadOnly => {
                outcome = Outcome::Skipped;
                "can't be tried in a read-only session"
            }
            Answer::Accepted => {
                outcome = Outcome::Failed;
                "is accepted, so the ledger can be changed"
            }
        };
        details.push(format!("{what} {detail}"));
    }
    Ok(check(outcome, details.join("; ")))
}

/// Executes the statement in a transaction that is always rolled back.
fn attempt(conn: &mut PgConnection, statement: &str, privilege: &str) -> mailglass::Result<Answer> {
    // Checked first, because Diesel doesn't distinguish a missing right from other errors.
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
