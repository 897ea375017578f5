//! Closing a range: choosing its end, and waiting until nobody can append to it any more.
//!
//! `inserted_at` is the start of a transaction, so a transaction that is open at the end of the range may still commit events
//! into it. Waiting for the transactions that are open, as CREATE INDEX CONCURRENTLY does, locks nothing and delays no writer.

use std::fmt;
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Bool, Double, Integer, Nullable, Text, Timestamptz};
use serde::Serialize;

use super::options::CheckpointOptions;
use crate::error::{Error, Result};
use crate::retry;
use crate::sql::{sql, with_parameters};
use crate::validation::microseconds;

static RANGE_END: LazyLock<String> = LazyLock::new(|| {
    with_parameters(
        &["until", "lag"],
        &[sql!("checkpoints/chosen_end"), sql!("checkpoints/open_transactions")],
        sql!("checkpoints/range_end"),
    )
});

static STILL_OPEN: LazyLock<String> = LazyLock::new(|| with_parameters(&["open"], &[], sql!("checkpoints/still_open")));

static PREPARED: LazyLock<String> =
    LazyLock::new(|| with_parameters(&["ids"], &[], sql!("checkpoints/prepared_transactions")));

/// A transaction that may still append events to a range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OpenTransaction {
    /// The transaction of the server process with this id, as in `pg_stat_activity`.
    Process(i32),
    /// The prepared transaction with this identifier, as in `pg_prepared_xacts`.
    Prepared(String),
}

impl fmt::Display for OpenTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenTransaction::Process(pid) => write!(f, "the transaction of process {pid}"),
            OpenTransaction::Prepared(identifier) => write!(f, "the prepared transaction {identifier:?}"),
        }
    }
}

/// The end of a range, and whether it is final.
pub(super) enum End {
    Final(DateTime<Utc>),
    Open(DateTime<Utc>, Vec<OpenTransaction>),
}

#[derive(QueryableByName)]
struct Chosen {
    #[diesel(sql_type = Timestamptz)]
    until: DateTime<Utc>,
    #[diesel(sql_type = Bool)]
    is_past: bool,
    #[diesel(sql_type = Bool)]
    is_replica: bool,
    #[diesel(sql_type = Bool)]
    sees_later_commits: bool,
    #[diesel(sql_type = Array<Text>)]
    open: Vec<String>,
}

#[derive(QueryableByName)]
struct Process {
    #[diesel(sql_type = Integer)]
    pid: i32,
}

#[derive(QueryableByName)]
struct Prepared {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    gid: String,
}

/// Chooses the end of a range, and waits until it is final.
pub(super) fn close(conn: &mut PgConnection, options: &CheckpointOptions) -> Result<End> {
    let deadline = Instant::now().checked_add(options.patience);
    let chosen: Chosen = retry::serializable(conn, |conn| {
        Ok(sql_query(RANGE_END.as_str())
            .bind::<Nullable<Timestamptz>, _>(options.until.map(microseconds))
            .bind::<Double, _>(CheckpointOptions::LAG.as_secs_f64())
            .get_result(conn)?)
    })?;
    // The caller's own transaction began at now(), so its events are not in the range.
    if !chosen.is_past {
        return Err(Error::invalid(
            "until",
            "must not be in the server's future, or after the start of your transaction",
        ));
    }
    if chosen.is_replica {
        return Err(Error::invalid(
            "connection",
            "must be to the primary server: a replica does not know the open transactions",
        ));
    }
    if !chosen.sees_later_commits && retry::is_in_transaction(conn) {
        return Err(Error::invalid(
            "transaction",
            "must be READ COMMITTED: it would not see the events that are committed while this waits",
        ));
    }
    let processes = |conn: &mut PgConnection| -> Result<Vec<OpenTransaction>> {
        let open: Vec<Process> = sql_query(STILL_OPEN.as_str())
            .bind::<Array<Text>, _>(&chosen.open)
            .load(conn)?;
        Ok(open
            .iter()
            .map(|process| OpenTransaction::Process(process.pid))
            .collect())
    };
    let open = wait(conn, deadline, processes)?;
    if !open.is_empty() {
        return Ok(End::Open(chosen.until, open));
    }
    // A transaction that was open has ended, or is among the ones that are prepared now.
    let ids: Vec<String> = prepared(conn, None)?.into_iter().map(|prepared| prepared.id).collect();
    let open = wait(conn, deadline, |conn| {
        let open = prepared(conn, Some(&ids))?.into_iter();
        Ok(open.map(|prepared| OpenTransaction::Prepared(prepared.gid)).collect())
    })?;
    Ok(if open.is_empty() {
        End::Final(chosen.until)
    } else {
        End::Open(chosen.until, open)
    })
}

fn prepared(conn: &mut PgConnection, ids: Option<&[String]>) -> Result<Vec<Prepared>> {
    Ok(sql_query(PREPARED.as_str())
        .bind::<Nullable<Array<Text>>, _>(ids)
        .load(conn)?)
}

/// Waits until no transaction is left, or until the deadline. It returns those that are left.
fn wait(
    conn: &mut PgConnection,
    deadline: Option<Instant>,
    mut open: impl FnMut(&mut PgConnection) -> Result<Vec<OpenTransaction>>,
) -> Result<Vec<OpenTransaction>> {
    /// SQL can't wait for a virtual transaction id.
    const LONGEST_PAUSE: Duration = Duration::from_millis(250);

    let mut pause = Duration::from_millis(2);
    loop {
        let left = open(conn)?;
        let now = Instant::now();
        if left.is_empty() || deadline.is_some_and(|deadline| deadline <= now) {
            return Ok(left);
        }
        thread::sleep(pause);
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}
