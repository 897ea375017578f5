//! The steps of a cut.

use std::sync::LazyLock;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};

use super::ledger::Ledger;
use super::report::{CutReport, CutStatus, Phase};
use super::state::State;
use super::swap::swap;
use super::transaction::{in_step, lock_old_ledger, until_locked};
use crate::error::{CutRejection, Result};
use crate::sql::{sql, with_parameters};

static DELIVERIES: LazyLock<String> = LazyLock::new(|| {
    with_parameters(
        &["before", "position", "batch"],
        &[
            sql!("retention/deliveries_page"),
            sql!("retention/leaving_deliveries"),
            sql!("retention/note_leaving_deliveries"),
        ],
        sql!("retention/after_deliveries"),
    )
});

static EVENTS: LazyLock<String> = LazyLock::new(|| {
    with_parameters(
        &["before", "position", "batch"],
        &[
            sql!("retention/events_page"),
            sql!("retention/judged_events"),
            // The names of the columns are filled in later.
            sql!("retention/copy_events"),
        ],
        sql!("retention/after_events"),
    )
});

static ARRIVALS: LazyLock<String> =
    LazyLock::new(|| with_parameters(&["batch", "before"], &[], sql!("retention/copy_arrivals")));

static AFTER_ARRIVALS: LazyLock<String> =
    LazyLock::new(|| with_parameters(&["copied", "phase"], &[], sql!("retention/after_arrivals")));

static DETAILS: LazyLock<String> = LazyLock::new(|| with_parameters(&["batch"], &[], sql!("retention/delete_details")));

/// If fewer events than this arrive during a step, the rest is copied under the lock.
const FEW_ARRIVALS: i64 = 1_000;

/// The result of a [`step`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// There are more steps.
    Continue(CutStatus),
    /// It was the last step.
    Finished(CutReport),
}

/// Makes the next step of the unfinished cut. Each step is a transaction: if the process or the server is killed, the step has happened
/// or not, and the next call continues. Several processes may call it; they take turns.
///
/// A step reads at most [`CutOptions::batch`](super::CutOptions::batch) rows, except these two: one builds an index of the new ledger,
/// and one deletes the deliveries that leave and swaps the ledgers.
///
/// # Errors
/// [`Error::CutRejected`](crate::Error::CutRejected): there is no unfinished cut, or see [`CutRejection`]. The cut stays as it is.
pub fn step(conn: &mut PgConnection) -> Result<Step> {
    let ledger = Ledger::to_cut(conn)?;
    if !ledger.is_running {
        return Err(CutRejection::NoCut.into());
    }
    match State::read(conn, &ledger)?.phase()? {
        Phase::Swap => swap(conn, &ledger)?,
        Phase::Finish => return until_locked(conn, |conn| finish(conn, &ledger)).map(Step::Finished),
        phase => in_step(conn, &ledger, |conn| in_batches(conn, &ledger, phase))?,
    }
    let status = State::read(conn, &ledger)?.status()?;
    Ok(Step::Continue(status))
}

/// A step of a phase that consists of many.
fn in_batches(conn: &mut PgConnection, ledger: &Ledger, phase: Phase) -> Result<()> {
    let state = State::lock(conn, ledger)?;
    // Another process has begun the next phase meanwhile.
    if state.phase()? != phase {
        return Ok(());
    }
    match phase {
        Phase::Deliveries => {
            page(conn, &DELIVERIES, &state)?;
            // The copy looks up each old event there.
            if State::read(conn, ledger)?.phase()? != phase {
                sql_query("ANALYZE mailglass_cut_deliveries").execute(conn)?;
            }
        }
        Phase::Events => {
            let copy = EVENTS.replace(":columns", &columns(conn)?);
            page(conn, &copy, &state)?;
        }
        Phase::Indexes => {
            if let Some(statement) = usize::try_from(state.built)
                .ok()
                .and_then(|built| state.building.get(built))
            {
                sql_query(statement).execute(conn)?;
            }
            sql_query(sql!("retention/after_index")).execute(conn)?;
        }
        Phase::Arrivals => {
            let arrivals = copy_arrivals(conn, &state)?;
            let is_few = arrivals.noted < FEW_ARRIVALS.min(state.batch);
            let next = if is_few { Phase::Swap } else { Phase::Arrivals };
            after_arrivals(conn, arrivals.copied, next)?;
        }
        Phase::Details => {
            sql_query(DETAILS.as_str())
                .bind::<BigInt, _>(state.batch)
                .execute(conn)?;
        }
        Phase::Swap | Phase::Finish => {}
    }
    Ok(())
}

/// Reads the next page of deliveries or events.
fn page(conn: &mut PgConnection, query: &str, state: &State) -> Result<()> {
    sql_query(query)
        .bind::<Timestamptz, _>(state.before)
        .bind::<Nullable<SqlUuid>, _>(state.position)
        .bind::<BigInt, _>(state.batch)
        .execute(conn)?;
    Ok(())
}

#[derive(QueryableByName)]
struct Columns {
    #[diesel(sql_type = Text)]
    names: String,
}

/// The columns of the new ledger, with those that the host has added to the old one.
fn columns(conn: &mut PgConnection) -> Result<String> {
    let columns: Columns = sql_query(sql!("retention/columns")).get_result(conn)?;
    Ok(columns.names)
}

/// What arrived since the last time.
#[derive(QueryableByName)]
pub(super) struct Arrivals {
    #[diesel(sql_type = BigInt)]
    pub(super) noted: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) copied: i64,
    /// Deliveries that stay because of it.
    #[diesel(sql_type = BigInt)]
    pub(super) deliveries: i64,
    /// Events that stay because of it.
    #[diesel(sql_type = BigInt)]
    pub(super) events: i64,
}

pub(super) fn copy_arrivals(conn: &mut PgConnection, state: &State) -> Result<Arrivals> {
    let copy = ARRIVALS.replace(":columns", &columns(conn)?);
    Ok(sql_query(copy)
        .bind::<BigInt, _>(state.batch)
        .bind::<Timestamptz, _>(state.before)
        .get_result(conn)?)
}

pub(super) fn after_arrivals(conn: &mut PgConnection, copied: i64, next: Phase) -> Result<()> {
    sql_query(AFTER_ARRIVALS.as_str())
        .bind::<BigInt, _>(copied)
        .bind::<Text, _>(next.as_str())
        .execute(conn)?;
    Ok(())
}

fn finish(conn: &mut PgConnection, ledger: &Ledger) -> Result<CutReport> {
    in_step(conn, ledger, |conn| {
        let state = State::lock(conn, ledger)?;
        if !state.keeps_old {
            lock_old_ledger(conn, &state.kept_as)?;
            sql_query(format!("DROP TABLE {}", state.kept_as)).execute(conn)?;
        }
        drop_work_tables(conn)?;
        Ok(state.report())
    })
}

/// Drops what a cut made, except for the new ledger and the triggers.
pub(super) fn drop_work_tables(conn: &mut PgConnection) -> Result<()> {
    sql_query(sql!("retention/drop_work_tables")).execute(conn)?;
    sql_query(sql!("retention/drop_functions")).execute(conn)?;
    Ok(())
}
