//! Renewing checkpoints after retention has removed events.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Bool, Text};

use super::checkpoint::Checkpoint;
use super::slices::{self, Range};
use super::verify::{CheckpointReport, compare};
use crate::error::{Error, Result};
use crate::sql::{sql, with_parameters};

/// The outcome of renewing checkpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// The new checkpoints, one for each that was not replaced before. Append them to the chain.
    Renewed(Vec<Checkpoint>),
    /// The ledger and the kept table together are not what the checkpoints say, so nothing was renewed.
    Differing(CheckpointReport),
}

/// Replaces checkpoints after retention has removed events from the ledger.
///
/// `kept` is the table in which the removed events still are: the old ledger that the cut has left, or a copy. It has the
/// columns of `mailglass_events` and is found by `search_path`. The checkpoints are compared with both tables together, so
/// nothing but a whole event can have moved. Then each gets a successor for the same range, with what remains, which names the
/// checkpoint that it replaces and the number of removed events. Afterwards the kept table is no longer needed.
///
/// A checkpoint that covers a removed event must be renewed with the table that has it. Renewing is repeated for each cut. The events
/// of a checkpoint are read in one statement, so nobody can change one between the comparison and the new digest.
///
/// # Errors
/// - [`Error::Invalid`] for `kept`: there is no such table
/// - [`Error::Database`]: any other failure, such as a kept table that has other columns
pub fn renew_checkpoints(
    conn: &mut PgConnection,
    tenant_id: &str,
    checkpoints: &[Checkpoint],
    kept: &str,
) -> Result<Renewal> {
    if !exists(conn, kept)? {
        return Err(Error::invalid(
            "kept",
            "must be the name of a table that search_path finds",
        ));
    }
    let mut current = Vec::new();
    let report = compare(conn, tenant_id, checkpoints, |conn, checkpoint| {
        let range = Range::of(tenant_id, checkpoint);
        let (remaining, everything) = slices::of_ledger_and_of_both(conn, &range, kept)?;
        current.push((checkpoint.clone(), remaining));
        Ok(everything)
    })?;
    if !report.is_ok() {
        return Ok(Renewal::Differing(report));
    }
    let mut renewed: Vec<Checkpoint> = Vec::with_capacity(current.len());
    for (replaced, remaining) in current {
        let previous = renewed.last().or(checkpoints.last());
        let checkpoint = Range::of(tenant_id, &replaced).seal(conn, remaining, previous, Some(&replaced))?;
        renewed.push(checkpoint);
    }
    Ok(Renewal::Renewed(renewed))
}

fn exists(conn: &mut PgConnection, table: &str) -> Result<bool> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        exists: bool,
    }

    // A name with a NUL byte can't be sent.
    if table.is_empty() || table.contains('\0') {
        return Ok(false);
    }
    let statement = with_parameters(&["name"], &[], sql!("checkpoints/table_exists"));
    let row: Row = sql_query(statement).bind::<Text, _>(table).get_result(conn)?;
    Ok(row.exists)
}
