//! The step after which the new ledger is the one in use.
//!
//! It is one transaction, so every other session sees either all deliveries with all of their events, or only those that stay, with all
//! of theirs.
//!
//! 1. The deliveries that leave are locked, in the order in which `record` locks deliveries. So no event of one can be recorded from
//!    here on: a call that has locked one before is waited for, and its event has been noted. A later statement sees the note.
//! 2. What was noted is copied. A delivery that got an event stays, with everything.
//! 3. The other deliveries that leave, and the links that leave, are deleted. This may take seconds, in which only calls that record an
//!    event of these deliveries wait. The WAL of the deletes is flushed before the next step.
//! 4. The old ledger and the links are locked exclusively. Each request waits for at most 100 ms, because recorders wait behind it.
//! 5. What was noted in the meantime is copied: a few events. Only a writer that does not lock its delivery, such as `append` or an INSERT
//!    by hand, can have written an event of a delivery that is deleted. Then everything is rolled back, and the next attempt finds the
//!    note in step 2.
//! 6. The definition of the ledger is compared with that at the beginning, and the names are swapped.

use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Text};

use super::ledger::Ledger;
use super::report::Phase;
use super::state::State;
use super::step::{after_arrivals, copy_arrivals};
use super::structure::Structure;
use super::transaction::{Patience, in_step, is_in_use, lock_all_out, while_nobody_migrates};
use crate::error::{CutRejection, Error, Result};
use crate::sql::{sql, with_parameters};

static AFTER_SWAP: LazyLock<String> = LazyLock::new(|| {
    with_parameters(
        &["copied", "deliveries", "links", "events"],
        &[],
        sql!("retention/after_swap"),
    )
});

static WAL_IS_FLUSHED: LazyLock<String> =
    LazyLock::new(|| with_parameters(&["position"], &[], sql!("retention/wal_is_flushed")));

/// How often a transaction that has locked the deliveries requests the lock on the ledger. A recorder that waits for one of these
/// deliveries prevents it until the transaction ends.
const REQUESTS: u32 = 3;

/// The outcome of one attempt.
enum Attempt {
    Swapped,
    /// The ledger stayed in use, or a delivery that leaves got an event too late. Nothing was changed.
    RolledBack,
}

/// Swaps the ledgers. It gives up after the session's `lock_timeout`, or after one minute.
pub(super) fn swap(conn: &mut PgConnection, ledger: &Ledger) -> Result<()> {
    let patience = Patience::new(conn)?;
    loop {
        // Deleting the deliveries is in vain as long as the lock can't be had at all.
        match in_step(conn, ledger, lock_all_out) {
            Err(error) if is_in_use(&error) => {}
            Err(error) => return Err(error),
            Ok(()) => {
                if let Attempt::Swapped = attempt(conn, ledger)? {
                    return Ok(());
                }
            }
        }
        patience.pause()?;
        copy_what_arrived(conn, ledger)?;
    }
}

/// Keeps the arrivals few while the lock can't be had.
fn copy_what_arrived(conn: &mut PgConnection, ledger: &Ledger) -> Result<()> {
    in_step(conn, ledger, |conn| {
        let state = State::lock(conn, ledger)?;
        if state.phase()? == Phase::Swap {
            let arrivals = copy_arrivals(conn, &state)?;
            after_arrivals(conn, arrivals.copied, Phase::Swap)?;
        }
        Ok(())
    })
}

fn attempt(conn: &mut PgConnection, ledger: &Ledger) -> Result<Attempt> {
    let swapped = while_nobody_migrates(conn, ledger, |conn| {
        let state = State::lock(conn, ledger)?;
        if state.phase()? == Phase::Swap && !swap_names(conn, ledger, &state)? {
            return Err(rolled_back());
        }
        Ok(())
    });
    match swapped {
        Ok(()) => Ok(Attempt::Swapped),
        Err(error) if is_in_use(&error) || is_rolled_back(&error) => Ok(Attempt::RolledBack),
        Err(error) => Err(error),
    }
}

fn rolled_back() -> Error {
    Error::from(diesel::result::Error::RollbackTransaction)
}

fn is_rolled_back(error: &Error) -> bool {
    matches!(error, Error::Database(diesel::result::Error::RollbackTransaction))
}

#[derive(QueryableByName)]
struct Written {
    #[diesel(sql_type = Text)]
    position: String,
}

#[derive(QueryableByName)]
struct Flushed {
    #[diesel(sql_type = Bool)]
    is_flushed: bool,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Whether the names were swapped; if not, the transaction is to be rolled back.
fn swap_names(conn: &mut PgConnection, ledger: &Ledger, state: &State) -> Result<bool> {
    sql_query(sql!("retention/lock_leaving_deliveries")).execute(conn)?;
    let mut copied = 0;
    loop {
        let arrivals = copy_arrivals(conn, state)?;
        copied += arrivals.copied;
        if arrivals.noted < state.batch {
            break;
        }
    }
    let links = sql_query(sql!("retention/delete_links")).execute(conn)?;
    let deliveries = sql_query(sql!("retention/delete_deliveries")).execute(conn)?;
    let leaving: Count = sql_query(sql!("retention/count_leaving_events")).get_result(conn)?;

    let_wal_be_flushed(conn)?;
    request_lock(conn)?;
    loop {
        let arrivals = copy_arrivals(conn, state)?;
        if arrivals.deliveries + arrivals.events > 0 {
            return Ok(false);
        }
        copied += arrivals.copied;
        if arrivals.noted == 0 {
            break;
        }
    }
    ledger.check_dependents(conn)?;
    if !state.was_made_for(&Structure::read(conn, ledger, &state.kept_as, state.before)?) {
        return Err(CutRejection::LedgerChanged.into());
    }
    // One message, because everybody waits.
    conn.batch_execute(&state.swapping.join(";\n"))?;
    sql_query(AFTER_SWAP.as_str())
        .bind::<BigInt, _>(copied)
        .bind::<BigInt, _>(deliveries as i64)
        .bind::<BigInt, _>(links as i64)
        .bind::<BigInt, _>(leaving.count)
        .execute(conn)?;
    Ok(true)
}

/// How long the WAL writer is waited for.
const PATIENCE_WITH_WAL: Duration = Duration::from_secs(5);

/// Waits until the WAL writer has flushed what deleting has written. Otherwise COMMIT does so, while everybody waits: for a second,
/// if the disk is still busy with the new ledger.
fn let_wal_be_flushed(conn: &mut PgConnection) -> QueryResult<()> {
    let written: Written = sql_query(sql!("retention/wal_written")).get_result(conn)?;
    let deadline = Instant::now() + PATIENCE_WITH_WAL;
    while Instant::now() < deadline {
        let flushed: Flushed = sql_query(WAL_IS_FLUSHED.as_str())
            .bind::<Text, _>(&written.position)
            .get_result(conn)?;
        if flushed.is_flushed {
            break;
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Requests the lock on the ledger. Between two requests, recorders that do not wait for this transaction can go on.
fn request_lock(conn: &mut PgConnection) -> Result<()> {
    for _ in 1..REQUESTS {
        match conn.transaction(lock_all_out) {
            Err(error) if is_in_use(&error) => {}
            outcome => return outcome,
        }
    }
    conn.transaction(lock_all_out)
}
