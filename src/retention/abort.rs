//! Aborting a cut.

use diesel::prelude::*;
use diesel::sql_query;

use super::ledger::Ledger;
use super::report::{CutStatus, Phase};
use super::state::State;
use super::step::drop_work_tables;
use super::transaction::{lock_all_out, until_locked, while_nobody_migrates};
use crate::error::{CutRejection, Result};
use crate::sql::sql;

/// Aborts the unfinished cut: drops the new ledger, the tables of the cut and its triggers. Nothing else has changed, so nothing is lost.
/// Returns the state in which the cut was.
///
/// It locks the ledger exclusively for a moment, as [`begin`](super::begin) does.
///
/// # Errors
/// [`Error::CutRejected`](crate::Error::CutRejected): there is no unfinished cut, the ledgers are already swapped, or see
/// [`CutRejection`].
pub fn abort(conn: &mut PgConnection) -> Result<CutStatus> {
    let ledger = Ledger::to_cut(conn)?;
    if !ledger.is_running {
        return Err(CutRejection::NoCut.into());
    }
    until_locked(conn, |conn| {
        while_nobody_migrates(conn, &ledger, |conn| {
            let state = State::lock(conn, &ledger)?;
            if matches!(state.phase()?, Phase::Details | Phase::Finish) {
                return Err(CutRejection::AlreadySwapped.into());
            }
            lock_all_out(conn)?;
            for statement in [
                sql!("retention/drop_event_trigger"),
                sql!("retention/drop_link_trigger"),
                sql!("retention/drop_new_ledger"),
            ] {
                sql_query(statement).execute(conn)?;
            }
            drop_work_tables(conn)?;
            state.status()
        })
    })
}
