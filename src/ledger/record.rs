//! Appending events, and projecting them in the same statement.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use super::outcome::{Appended, Outcome};
use super::params::{EventParams, EventRow, InsertedEvent, InsertedSqlType};
use crate::error::Result;
use crate::idempotency::{self, NewRow as _, Resolution};
use crate::models::{Event, NewEvent};
use crate::retry;
use crate::schema::mailglass_events;
use crate::sql::{Bound, Statement, statement};
use crate::validation::Checks;

statement! {
    /// Appends events and projects them.
    struct Record(wanted: EventParams) -> InsertedSqlType {
        "match_deliveries",
        "resolve",
        "insert_events",
        "insert_links",
        "inserted_facts",
        "fold",
        "merge",
        "write_projections",
        => "inserted_events"
    }
}

statement! {
    /// Appends events.
    struct Append(wanted: EventParams) -> InsertedSqlType {
        "match_deliveries",
        "resolve",
        "insert_events",
        "insert_links",
        => "inserted_events",
        lock = "OFFSET 0"
    }
}

statement! {
    /// Reads the events that hold the keys of the skipped ones.
    struct Conflicts(skipped: EventParams) -> (mailglass_events::SqlType, SqlUuid, Array<Text>) {
        => "event_conflicts"
    }
}

/// Appends events and projects them onto their deliveries: all or none. The outcomes are in input order.
///
/// The delivery of an event is the one with its [`delivery`](NewEvent::delivery) id, or else the one with its
/// [`provider_message`](NewEvent::provider_message). If there is no such delivery yet, or several match, the event is
/// appended nevertheless and waits for the [reconciler](crate::reconciler).
///
/// A batch is one statement. Several events run in a transaction, or in a savepoint of your transaction. Idempotency keys and
/// deliveries are locked in a fixed order, so processes that record the same events at the same time neither deadlock nor
/// record an event twice. A transaction that records several batches takes the locks of each batch in turn, and can deadlock.
///
/// ```
/// # test_support::with_database(|conn| {
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
/// - [`Error::Invalid`](crate::Error::Invalid): a field is wrong, or the batch exceeds [`MAX_BATCH`](crate::MAX_BATCH)
///   events or [`MAX_BATCH_BYTES`](crate::MAX_BATCH_BYTES)
/// - [`Error::IdempotencyConflict`](crate::Error::IdempotencyConflict): a different event has the key
/// - [`Error::SerializationFailure`](crate::Error::SerializationFailure): your transaction is not READ COMMITTED and must be
///   run again
/// - [`Error::Database`](crate::Error::Database): any other failure, such as a lost connection; events that have idempotency
///   keys can be recorded again
pub fn record(conn: &mut PgConnection, events: &[NewEvent]) -> Result<Vec<Appended>> {
    insert::<Record, _>(conn, events, all_or_none)
}

/// Appends events without projecting them: for importing a history before one
/// [`rebuild_all`](crate::projection::rebuild_all). Otherwise it is the same as [`record`].
///
/// # Errors
/// As [`record`].
pub fn append(conn: &mut PgConnection, events: &[NewEvent]) -> Result<Vec<Appended>> {
    insert::<Append, _>(conn, events, all_or_none)
}

/// Records events as [`record`] does, but reports a conflict as an outcome of its event and records the others.
///
/// Use it for webhooks. If an event was normalized differently when it was first recorded, `record` would reject the request,
/// and the provider would send it again and again.
///
/// It takes as many round trips as `record`, and the same locks and transactions. The outcomes are in input order.
///
/// ```
/// # test_support::with_database(|conn| {
/// use mailglass::ledger::Outcome;
/// use mailglass::{EventType, NewEvent, ledger};
///
/// let now = chrono::Utc::now();
/// let event = |event_type, key: &str| NewEvent::new("acme", event_type, now).idempotency_key(key);
/// ledger::record(conn, &[event(EventType::Bounced, "ses:1")])?;
///
/// let outcomes = ledger::record_each(conn, &[event(EventType::Rejected, "ses:1"), event(EventType::Opened, "ses:2")])?;
/// let Outcome::Conflicting { event: Some(first), fields } = &outcomes[0] else { panic!() };
/// assert_eq!((first.type_, fields.as_slice()), (EventType::Bounced, ["type".to_owned()].as_slice()));
/// assert!(matches!(outcomes[1], Outcome::Recorded(_)));
/// # Ok(()) });
/// ```
///
/// # Errors
/// As [`record`], except for conflicts. One wrong field rejects the whole batch, so check events from untrusted input with
/// [`NewEvent::validate`] first.
pub fn record_each(conn: &mut PgConnection, events: &[NewEvent]) -> Result<Vec<Outcome>> {
    insert::<Record, _>(conn, events, |_, resolutions| {
        Ok(resolutions.into_iter().map(Outcome::from).collect())
    })
}

/// Checks the events, inserts them, in a transaction if there are several, and makes the outcomes.
fn insert<S, T>(
    conn: &mut PgConnection,
    events: &[NewEvent],
    outcomes: impl Fn(&[EventRow<'_>], Vec<Resolution<Event>>) -> Result<Vec<T>>,
) -> Result<Vec<T>>
where
    S: for<'a> Statement<Params<'a> = EventParams<'a>, SqlType = InsertedSqlType>,
{
    Checks::run(|checks| checks.batch("events", events, NewEvent::check))?;

    let rows: Vec<EventRow<'_>> = events.iter().map(EventRow::new).collect();
    let call = |conn: &mut PgConnection| {
        outcomes(
            &rows,
            idempotency::insert_rows(conn, &rows, insert_events::<S>, resolve_conflicts)?,
        )
    };
    match rows.as_slice() {
        [] => Ok(Vec::new()),
        // A single event is one statement, so there is nothing to roll back.
        [_] => retry::serializable(conn, call),
        _ => retry::transaction(conn, call),
    }
}

/// A conflict rejects the batch.
fn all_or_none(rows: &[EventRow<'_>], resolutions: Vec<Resolution<Event>>) -> Result<Vec<Appended>> {
    idempotency::all_or_none(rows, resolutions, Appended::Recorded, Appended::Replayed)
}

fn insert_events<S>(conn: &mut PgConnection, new: &[(usize, &EventRow<'_>)]) -> Result<HashMap<Uuid, Event>>
where
    S: for<'a> Statement<Params<'a> = EventParams<'a>, SqlType = InsertedSqlType>,
{
    let params = EventParams::new(new.iter().map(|(_, row)| *row));
    let inserted: Vec<InsertedEvent> = Bound::<S>::new(&params).load(conn)?;
    let mut inserted: HashMap<Uuid, InsertedEvent> = inserted.into_iter().map(|row| (row.id, row)).collect();
    let mut events: HashMap<Uuid, Event> = new
        .iter()
        .filter_map(|(_, row)| Some((row.id(), row.inserted(inserted.remove(&row.id())?))))
        .collect();
    read_back_numbers(conn, events.values_mut())?;
    Ok(events)
}

/// The skipped rows are replays or conflicts, because events are never deleted. The statement returns only events of the row's
/// tenant, so the key of a row without one belongs to another tenant.
fn resolve_conflicts(
    conn: &mut PgConnection,
    skipped: &[(usize, &EventRow<'_>)],
) -> Result<HashMap<Uuid, Resolution<Event>>> {
    let params = EventParams::new(skipped.iter().map(|(_, row)| *row));
    let holders: Vec<(Event, Uuid, Vec<String>)> = Bound::<Conflicts>::new(&params).load(conn)?;
    let mut resolutions: HashMap<Uuid, Resolution<Event>> = holders
        .into_iter()
        .map(|(event, row_id, differing)| (row_id, Resolution::of_holder(event, differing)))
        .collect();
    for (_, row) in skipped {
        resolutions
            .entry(row.row_id())
            .or_insert_with(Resolution::of_another_tenant);
    }
    Ok(resolutions)
}

/// Inserted rows have the caller's values. Numbers are the exception: jsonb stores 1e16 as 10000000000000000, which is read as
/// an integer. So events with such a number are read back.
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
