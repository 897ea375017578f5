//! The state of a cut, in `mailglass_cut`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::ledger::Ledger;
use super::options::OldLedger;
use super::report::{CutReport, CutStatus, Phase};
use super::structure::Structure;
use crate::error::{CutRejection, Result};
use crate::sql::sql;

/// The row of `mailglass_cut`.
#[derive(QueryableByName)]
pub(super) struct State {
    #[diesel(sql_type = Timestamptz)]
    pub(super) before: DateTime<Utc>,
    #[diesel(sql_type = Bool)]
    pub(super) keeps_old: bool,
    #[diesel(sql_type = Text)]
    pub(super) kept_as: String,
    #[diesel(sql_type = BigInt)]
    pub(super) batch: i64,
    #[diesel(sql_type = Text, column_name = phase)]
    phase_name: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub(super) position: Option<Uuid>,
    #[diesel(sql_type = Array<Text>)]
    columns: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    creating: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    pub(super) building: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    pub(super) swapping: Vec<String>,
    #[diesel(sql_type = BigInt)]
    pub(super) built: i64,
    #[diesel(sql_type = BigInt)]
    deliveries: i64,
    #[diesel(sql_type = BigInt)]
    events: i64,
    #[diesel(sql_type = BigInt)]
    deliveries_checked: i64,
    #[diesel(sql_type = BigInt)]
    events_checked: i64,
    #[diesel(sql_type = BigInt)]
    deliveries_left: i64,
    #[diesel(sql_type = BigInt)]
    events_left: i64,
    #[diesel(sql_type = BigInt)]
    events_kept: i64,
    #[diesel(sql_type = BigInt)]
    links_left: i64,
    #[diesel(sql_type = BigInt)]
    details_left: i64,
    #[diesel(sql_type = Timestamptz)]
    began_at: DateTime<Utc>,
}

impl State {
    /// Reads the state and locks it, so that two processes take turns.
    pub(super) fn lock(conn: &mut PgConnection, ledger: &Ledger) -> Result<State> {
        sql_query(sql!("retention/lock_state")).execute(conn)?;
        State::read(conn, ledger)
    }

    /// The schema is named, because the caller's transaction may search other ones.
    pub(super) fn read(conn: &mut PgConnection, ledger: &Ledger) -> Result<State> {
        let query = sql!("retention/state").replace(":schema", &ledger.quoted_schema);
        Ok(sql_query(query).get_result(conn)?)
    }

    /// A phase that this build does not know is one of a newer release, which has to finish the cut.
    pub(super) fn phase(&self) -> Result<Phase> {
        Phase::of_name(&self.phase_name).ok_or(CutRejection::Unfinished.into())
    }

    pub(super) fn was_made_for(&self, structure: &Structure) -> bool {
        self.columns == structure.columns
            && self.creating == structure.creating
            && self.building == structure.building
            && self.swapping == structure.swapping
    }

    pub(super) fn status(&self) -> Result<CutStatus> {
        let phase = self.phase()?;
        let (done, expected) = match phase {
            Phase::Deliveries => (self.deliveries_checked, self.deliveries),
            Phase::Events => (self.events_checked, self.events),
            Phase::Indexes => (self.built, self.building.len() as i64),
            Phase::Arrivals | Phase::Swap | Phase::Finish => (0, 0),
            Phase::Details => (0, self.events_left),
        };
        Ok(CutStatus {
            before: self.before,
            began_at: self.began_at,
            old_ledger: if self.keeps_old {
                OldLedger::Keep
            } else {
                OldLedger::Drop
            },
            phase,
            done,
            expected,
        })
    }

    pub(super) fn report(self) -> CutReport {
        CutReport {
            before: self.before,
            deliveries_left: self.deliveries_left,
            events_left: self.events_left,
            links_left: self.links_left,
            details_left: self.details_left,
            events_kept: self.events_kept,
            kept_as: self.keeps_old.then_some(self.kept_as),
        }
    }
}

/// Returns the state of the unfinished cut, or `None` if there is none. It works in a transaction as well, and for every role that may
/// read `mailglass_cut`: the members of the owner of the ledger.
///
/// ```
/// # test_support::with_database(|conn| {
/// assert_eq!(mailglass::retention::status(conn)?, None);
/// # Ok(())
/// # });
/// ```
///
/// # Errors
/// [`Error::CutRejected`](crate::Error::CutRejected) if there is no ledger.
pub fn status(conn: &mut PgConnection) -> Result<Option<CutStatus>> {
    let ledger = Ledger::find(conn)?;
    if !ledger.is_running {
        return Ok(None);
    }
    State::read(conn, &ledger)?.status().map(Some)
}
