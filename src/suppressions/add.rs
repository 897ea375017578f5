//! Adding suppressions.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::new_suppression::NewSuppression;
use super::suppression::Suppression;
use crate::error::Result;
use crate::idempotency::not_serialized;
use crate::models::{Stream, SuppressionReason, SuppressionScope};
use crate::retry;
use crate::schema::mailglass_suppressions;
use crate::schema::sql_types::{MailglassStream, MailglassSuppressionReason, MailglassSuppressionScope};
use crate::sql::{Bound, params, statement};
use crate::validation::Checks;

statement! {
    /// Inserts suppressions, and extends those that exist.
    struct Write(subjects: AddParams) -> mailglass_suppressions::SqlType {
        "suppressions/digests",
        "suppressions/write",
        => "suppressions/written"
    }
}

statement! {
    /// Reads the suppressions that existed before.
    struct Existing(subjects: AddParams) -> (SqlUuid, mailglass_suppressions::SqlType) {
        "suppressions/digests",
        => "suppressions/existing"
    }
}

/// The outcome of adding a suppression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is new. An expired one for the same subject and reason was replaced.
    Added(Suppression),
    /// One for the same subject and reason was in force, or will be. It now has both times: it begins with the earlier and ends
    /// with the later of the two.
    Extended(Suppression),
    /// One for the same subject and reason covers it already. Nothing was written.
    Unchanged(Suppression),
}

impl Added {
    /// The row.
    pub fn suppression(&self) -> &Suppression {
        match self {
            Added::Added(suppression) | Added::Extended(suppression) | Added::Unchanged(suppression) => suppression,
        }
    }

    /// The row.
    pub fn into_suppression(self) -> Suppression {
        match self {
            Added::Added(suppression) | Added::Extended(suppression) | Added::Unchanged(suppression) => suppression,
        }
    }

    /// Whether nothing was written.
    pub fn is_unchanged(&self) -> bool {
        matches!(self, Added::Unchanged(_))
    }
}

/// Adds suppressions: all or none. The outcomes are in input order.
///
/// There is one suppression for a subject and a reason. Adding it again extends it: the end is the later one, and a permanent one
/// stays permanent. A different reason is a suppression of its own, so a permanent suppression is never replaced by an expiring
/// one. Of several for the same subject and reason in one batch, the first has the outcome, and the others are unchanged.
///
/// It is one statement, and another one if some of them existed. They run in a transaction, or in a savepoint of yours.
///
/// ```
/// # test_support::with_database(|conn| {
/// use chrono::{TimeDelta, Utc};
/// use mailglass::SuppressionReason;
/// use mailglass::suppressions::{self, Added, NewSuppression};
///
/// let pause = NewSuppression::address("acme", "ann@example.com", SuppressionReason::Manual)
///     .until(Utc::now() + TimeDelta::days(30));
/// let forever = NewSuppression::address("acme", "Ann@Example.com", SuppressionReason::Manual);
///
/// assert!(matches!(suppressions::add(conn, &[pause.clone()])?[0], Added::Added(_)));
/// assert!(matches!(suppressions::add(conn, &[forever])?[0], Added::Extended(_)));
/// let again = suppressions::add(conn, &[pause])?;
/// assert!(again[0].is_unchanged());
/// assert_eq!(again[0].suppression().until, None);
/// # Ok(()) });
/// ```
///
/// # Errors
/// - [`Error::Invalid`](crate::Error::Invalid): a field is wrong, or the batch exceeds [`MAX_BATCH`](crate::MAX_BATCH)
///   suppressions or [`MAX_BATCH_BYTES`](crate::MAX_BATCH_BYTES)
/// - [`Error::SerializationFailure`](crate::Error::SerializationFailure): your transaction is not READ COMMITTED and must be
///   run again
pub fn add(conn: &mut PgConnection, suppressions: &[NewSuppression]) -> Result<Vec<Added>> {
    Checks::run(|checks| checks.batch("suppressions", suppressions, NewSuppression::check))?;
    add_checked(conn, suppressions)
}

/// [`add`] without the checks. The address of a delivery that another library stored may be malformed.
pub(super) fn add_checked(conn: &mut PgConnection, suppressions: &[NewSuppression]) -> Result<Vec<Added>> {
    if suppressions.is_empty() {
        return Ok(Vec::new());
    }
    let (rows, positions) = merged(suppressions);
    let outcomes = retry::transaction(conn, |conn| write(conn, &rows))?;
    let mut is_first = vec![true; rows.len()];
    let outcomes = positions.into_iter().map(|position| {
        let outcome = &outcomes[position];
        if std::mem::replace(&mut is_first[position], false) {
            outcome.clone()
        } else {
            Added::Unchanged(outcome.suppression().clone())
        }
    });
    Ok(outcomes.collect())
}

fn write(conn: &mut PgConnection, rows: &[NewRow<'_>]) -> Result<Vec<Added>> {
    let params = AddParams::new(rows);
    let written: Vec<Suppression> = Bound::<Write>::new(&params).load(conn)?;
    let mut written: HashMap<Uuid, Suppression> = written.into_iter().map(|row| (row.id, row)).collect();
    let mut outcomes: Vec<Option<Added>> = rows
        .iter()
        .map(|row| written.remove(&row.id).map(Added::Added))
        .collect();
    // What is left was there before.
    let extended: HashSet<Uuid> = written.into_keys().collect();
    let mut others = (rows.iter().zip(&outcomes))
        .filter(|(_, outcome)| outcome.is_none())
        .map(|(row, _)| row)
        .peekable();
    if others.peek().is_some() {
        let existing: Vec<(Uuid, Suppression)> = Bound::<Existing>::new(&AddParams::new(others)).load(conn)?;
        let mut existing: HashMap<Uuid, Suppression> = existing.into_iter().collect();
        for (row, outcome) in rows.iter().zip(&mut outcomes) {
            if let Some(found) = existing.remove(&row.id) {
                *outcome = Some(if extended.contains(&found.id) {
                    Added::Extended(found)
                } else {
                    Added::Unchanged(found)
                });
            }
        }
    }
    // The insert locked every row, so this happens only if a trigger of the application's skips rows.
    let all: Option<Vec<Added>> = outcomes.into_iter().collect();
    all.ok_or_else(|| not_serialized("a suppression was neither inserted nor found"))
}

/// A row that is to be inserted: one or several new suppressions with the same subject and reason.
struct NewRow<'a> {
    id: Uuid,
    new: &'a NewSuppression,
    keeps_address: bool,
    source_event_id: Option<Uuid>,
    since: Option<DateTime<Utc>>,
    begins_now: bool,
    until: Option<DateTime<Utc>>,
}

impl<'a> NewRow<'a> {
    fn new(new: &'a NewSuppression) -> Self {
        NewRow {
            id: Uuid::now_v7(),
            new,
            keeps_address: new.keeps_address,
            source_event_id: new.source_event_id,
            since: new.since,
            begins_now: new.since.is_none(),
            until: new.until,
        }
    }

    fn merge(&mut self, other: &'a NewSuppression) {
        if other.keeps_address && !self.keeps_address {
            self.keeps_address = true;
            self.new = other;
        }
        self.source_event_id = self.source_event_id.or(other.source_event_id);
        self.since = self.since.into_iter().chain(other.since).min();
        self.begins_now |= other.since.is_none();
        self.until = self.until.zip(other.until).map(|(one, other)| one.max(other));
    }
}

/// The rows, and for each new suppression the position of its row. `ON CONFLICT DO UPDATE` can't write a row twice.
fn merged(suppressions: &[NewSuppression]) -> (Vec<NewRow<'_>>, Vec<usize>) {
    let mut rows: Vec<NewRow<'_>> = Vec::new();
    let mut known = HashMap::new();
    let mut positions = Vec::new();
    for new in suppressions {
        let NewSuppression {
            tenant_id,
            subject,
            reason,
            ..
        } = new;
        let folded = subject.as_str().to_ascii_lowercase();
        let key = (tenant_id.as_str(), folded, subject.scope(), subject.stream(), *reason);
        let position = *known.entry(key).or_insert(rows.len());
        match rows.get_mut(position) {
            Some(row) => row.merge(new),
            None => rows.push(NewRow::new(new)),
        }
        positions.push(position);
    }
    (rows, positions)
}

params! {
    struct AddParams<'a> from row: &'a NewRow<'a> {
        id: SqlUuid = row.id => Uuid,
        tenant_id: Text = &row.new.tenant_id => &'a str,
        scope: MailglassSuppressionScope = row.new.subject.scope() => SuppressionScope,
        stream: Nullable<MailglassStream> = row.new.subject.stream() => Option<Stream>,
        address: Text = row.new.subject.as_str() => &'a str,
        keeps_address: Bool = row.keeps_address => bool,
        reason: MailglassSuppressionReason = row.new.reason => SuppressionReason,
        source_event_id: Nullable<SqlUuid> = row.source_event_id => Option<Uuid>,
        since: Nullable<Timestamptz> = row.since => Option<DateTime<Utc>>,
        begins_now: Bool = row.begins_now => bool,
        until: Nullable<Timestamptz> = row.until => Option<DateTime<Utc>>,
    }
}
