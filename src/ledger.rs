//! The ledger: append events, once each, and project them.

mod batches;
mod columns;
mod statements;

use std::collections::HashMap;

use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use self::columns::{EventColumns, Landed, Landing};
use self::statements::{Append, LandedSqlType, Record, Replays};
use crate::batch::{Batch, BatchStatement};
use crate::error::Result;
use crate::event::{Event, NewEvent};
use crate::replay;
use crate::retry;
use crate::schema::mailglass_events;
use crate::validation::Checks;

pub use self::batches::{RecordBatches, record_batches};
pub(crate) use self::statements::RESOLVE;

/// What became of an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Appended {
    /// It is new, and this is its row.
    Recorded(Event),
    /// It had landed before, under the same idempotency key: this is the row that was there first. Nothing moved.
    Replayed(Event),
}

impl Appended {
    /// The row, whenever it landed.
    pub fn event(&self) -> &Event {
        match self {
            Appended::Recorded(event) | Appended::Replayed(event) => event,
        }
    }

    /// The row, whenever it landed.
    pub fn into_event(self) -> Event {
        match self {
            Appended::Recorded(event) | Appended::Replayed(event) => event,
        }
    }

    /// Whether it had landed before.
    pub fn is_replay(&self) -> bool {
        matches!(self, Appended::Replayed(_))
    }
}

/// Appends events and projects them onto their deliveries: what most callers want. Answers in input order.
///
/// An event finds its delivery by [`delivery`](NewEvent::delivery), else by the provider message that it names. Where
/// that delivery isn't there yet, or several fit, the event lands all the same and waits for the
/// [reconciler](crate::reconciler).
///
/// The batch is all or nothing. It is one statement: a single event is sent as it is, several in a transaction (a
/// savepoint inside yours). Keys and deliveries are locked in a fixed order, so that processes which record the same
/// webhooks at once neither deadlock nor count twice. That holds for a batch; a transaction of yours that records several
/// batches takes their locks in the order of your calls.
///
/// ```
/// # mod doctest { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doctest/with_database.rs")); }
/// # doctest::with_database(|conn| {
/// use mailglass::{EventType, NewEvent, ledger};
///
/// let event = NewEvent::new("acme", EventType::Delivered, chrono::Utc::now())
///     .provider_message("postmark", "0a129aee")
///     .idempotency_key("postmark:delivery:0a129aee");
/// let first = ledger::record(conn, &[event.clone()])?;
/// let second = ledger::record(conn, &[event])?;
/// assert!(!first[0].is_replay() && second[0].is_replay());
/// assert_eq!(first[0].event(), second[0].event());
/// # Ok(()) });
/// ```
///
/// # Errors
/// - [`Error::Invalid`](crate::Error::Invalid): wrong fields, an empty batch, or one of more than [`MAX_BATCH`](crate::MAX_BATCH) events
/// - [`Error::IdempotencyConflict`](crate::Error::IdempotencyConflict): a key that something else holds
/// - [`Error::SerializationFailure`](crate::Error::SerializationFailure): in a transaction of yours that isn't READ COMMITTED; run it again
/// - [`Error::Database`](crate::Error::Database): anything else, such as a lost connection; recording the same events again is safe where they
///   carry keys
pub fn record(conn: &mut PgConnection, events: &[NewEvent]) -> Result<Vec<Appended>> {
    land::<Record>(conn, events)
}

/// Appends events without projecting them, such as a history that is imported before one
/// [`rebuild_all`](crate::projection::rebuild_all). Otherwise the same as [`record`].
///
/// # Errors
/// As [`record`].
pub fn append(conn: &mut PgConnection, events: &[NewEvent]) -> Result<Vec<Appended>> {
    land::<Append>(conn, events)
}

fn land<S>(conn: &mut PgConnection, events: &[NewEvent]) -> Result<Vec<Appended>>
where
    S: BatchStatement<SqlType = LandedSqlType>,
{
    Checks::run(|checks| checks.batch("events", events, NewEvent::check))?;

    let landings: Vec<Landing<'_>> = events.iter().map(Landing::new).collect();
    match landings.as_slice() {
        // One event is appended, is a replay or is refused: there is no half of it to roll back.
        [_] => retry::serializable(conn, |conn| land_all::<S>(conn, &landings)),
        _ => retry::transaction(conn, |conn| land_all::<S>(conn, &landings)),
    }
}

fn land_all<S>(conn: &mut PgConnection, landings: &[Landing<'_>]) -> Result<Vec<Appended>>
where
    S: BatchStatement<SqlType = LandedSqlType>,
{
    let columns = EventColumns::new(landings.iter());
    let landed: Vec<Landed> = Batch::<S, _>::new(&columns).load(conn)?;
    let landed: HashMap<Uuid, &Landed> = landed.iter().map(|it| (it.id, it)).collect();
    let mut recorded: Vec<Option<Event>> = landings
        .iter()
        .map(|landing| Some(landing.landed(landed.get(&landing.id)?)))
        .collect();
    read_back_numbers(conn, recorded.iter_mut().flatten())?;
    let outcomes = recorded.into_iter().map(|it| it.map(Appended::Recorded)).collect();

    let read = |skipped: Vec<&Landing<'_>>| {
        let columns = EventColumns::new(skipped.into_iter());
        Ok(Batch::<Replays, _>::new(&columns).load(conn)?)
    };
    replay::settle(landings, outcomes, read, Appended::Replayed)
}

/// What has been recorded is what the caller sent, but for numbers: jsonb keeps 1e16 as 10000000000000000, which is read as an
/// integer. Events with such a number are read back, so that what is returned is the row.
fn read_back_numbers<'a>(conn: &mut PgConnection, recorded: impl Iterator<Item = &'a mut Event>) -> QueryResult<()> {
    let mut unsure: HashMap<Uuid, &mut Event> = recorded
        .filter(|event| !has_integers_only(&event.normalized_payload) || !has_integers_only(&event.metadata))
        .map(|event| (event.id, event))
        .collect();
    if unsure.is_empty() {
        return Ok(());
    }
    let rows: Vec<Event> = mailglass_events::table
        .filter(mailglass_events::id.eq_any(unsure.keys()))
        .select(Event::as_select())
        .load(conn)?;
    for row in rows {
        if let Some(event) = unsure.remove(&row.id) {
            *event = row;
        }
    }
    Ok(())
}

fn has_integers_only(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_i64() || number.is_u64(),
        Value::Array(items) => items.iter().all(has_integers_only),
        Value::Object(members) => members.values().all(has_integers_only),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}
