//! The first step of a cut.

use std::sync::LazyLock;

use chrono::SubsecRound as _;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Text, Timestamptz};

use super::ledger::Ledger;
use super::options::{CutOptions, OldLedger};
use super::report::CutStatus;
use super::state::State;
use super::structure::Structure;
use super::transaction::{lock_writers_out, until_locked, while_nobody_migrates};
use crate::error::{CutRejection, Error, Result};
use crate::sql::{sql, with_parameters};

static BEGIN: LazyLock<String> = LazyLock::new(|| {
    let parameters = &[
        "before",
        "keeps_old",
        "kept_as",
        "batch",
        "columns",
        "creating",
        "building",
        "swapping",
    ];
    with_parameters(parameters, &[], sql!("retention/begin"))
});

static FREE_NAME: LazyLock<String> = LazyLock::new(|| with_parameters(&["names"], &[], sql!("retention/free_name")));

/// How many old ledgers of one date may be kept.
const MOST_KEPT: usize = 100;

/// Begins a cut: creates the new ledger and the tables of the cut, and the triggers that note what arrives from now on. Call
/// [`step`](super::step) until it is finished, or [`resume`](super::resume).
///
/// Creating the triggers waits for transactions that have written to the ledger and not committed, and keeps new ones waiting for at
/// most 100 ms at a time. It gives up after the session's `lock_timeout`, or after one minute.
///
/// # Errors
/// - [`Error::Invalid`]: `before` is not in the past, or `batch` is 0
/// - [`Error::CutRejected`]: see [`CutRejection`]
pub fn begin(conn: &mut PgConnection, options: &CutOptions) -> Result<CutStatus> {
    let ledger = Ledger::to_cut(conn)?;
    if options.before >= ledger.now {
        return Err(Error::invalid("before", "must be in the past"));
    }
    if options.batch == 0 {
        return Err(Error::invalid("batch", "must be at least 1"));
    }
    // As PostgreSQL stores it.
    let options = &CutOptions {
        before: options.before.trunc_subsecs(6),
        ..*options
    };
    ledger.check_distribution(conn)?;
    until_locked(conn, |conn| {
        while_nobody_migrates(conn, &ledger, |conn| {
            if Ledger::find(conn)?.is_running {
                return Err(CutRejection::Unfinished.into());
            }
            ledger.check_dependents(conn)?;
            create(conn, &ledger, options)?;
            State::read(conn, &ledger)?.status()
        })
    })
}

fn create(conn: &mut PgConnection, ledger: &Ledger, options: &CutOptions) -> Result<()> {
    let kept_as = name_of_old_ledger(conn, options)?;
    let structure = Structure::read(conn, ledger, &kept_as, options.before)?;
    for statement in [
        sql!("retention/create_cut"),
        sql!("retention/create_arrivals"),
        sql!("retention/create_leaving_deliveries"),
        sql!("retention/create_leaving_events"),
        &sql!("retention/create_note_event").replace(":schema", &ledger.quoted_schema),
        &sql!("retention/create_note_link").replace(":schema", &ledger.quoted_schema),
    ] {
        sql_query(statement).execute(conn)?;
    }
    for statement in &structure.creating {
        sql_query(statement).execute(conn)?;
    }
    sql_query(sql!("retention/claim")).execute(conn)?;
    sql_query(BEGIN.as_str())
        .bind::<Timestamptz, _>(options.before)
        .bind::<Bool, _>(options.old_ledger == OldLedger::Keep)
        .bind::<Text, _>(&kept_as)
        .bind::<BigInt, _>(i64::from(options.batch))
        .bind::<Array<Text>, _>(&structure.columns)
        .bind::<Array<Text>, _>(&structure.creating)
        .bind::<Array<Text>, _>(&structure.building)
        .bind::<Array<Text>, _>(&structure.swapping)
        .execute(conn)?;
    // The last statements, so that recorders wait as little as possible.
    lock_writers_out(conn)?;
    for statement in [
        sql!("retention/create_event_trigger"),
        sql!("retention/enable_event_trigger"),
        sql!("retention/create_link_trigger"),
        sql!("retention/enable_link_trigger"),
    ] {
        sql_query(statement).execute(conn)?;
    }
    Ok(())
}

#[derive(QueryableByName)]
struct FreeName {
    #[diesel(sql_type = Text)]
    name: String,
}

fn name_of_old_ledger(conn: &mut PgConnection, options: &CutOptions) -> Result<String> {
    let first = format!("mailglass_events_until_{}", options.before.format("%Y%m%d"));
    let more = (2..=MOST_KEPT).map(|number| format!("{first}_{number}"));
    let names: Vec<String> = std::iter::once(first.clone()).chain(more).collect();
    let free: Option<FreeName> = sql_query(FREE_NAME.as_str())
        .bind::<Array<Text>, _>(names)
        .get_result(conn)
        .optional()?;
    let taken = || Error::invalid("before", format!("has too many old ledgers named {first}: drop some"));
    free.map(|free| free.name).ok_or_else(taken)
}
