//! Appending events, and projecting them in the same statement.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use super::options::RecordOptions;
use super::outcome::{Appended, Outcome};
use super::params::{DetailsParams, EventParams, EventRow, InsertedEvent, InsertedSqlType, NewDetails, OneEventParams};
use crate::error::Result;
use crate::idempotency::{self, Accepted, NewRow as _, Resolution};
use crate::models::{Event, NewEvent};
use crate::retry;
use crate::schema::mailglass_events;
use crate::sql::{Bound, First, Statement, statement};
use crate::suppressions::SuppressionRules;
use crate::suppressions::rules::{self, Candidate};
use crate::validation::Checks;

statement! {
    /// Appends events and projects them.
    struct Record(wanted: EventParams) -> InsertedSqlType {
        "match_deliveries",
        "resolve",
        "insert_events",
        "inserted_facts",
        "fold",
        "merge",
        "write_projections",
        => "inserted_events"
    }
}

statement! {
    /// Appends an event, projects it, and writes its link if it waits for its delivery.
    struct RecordOne(wanted: OneEventParams) -> InsertedSqlType {
        "match_deliveries",
        "resolve",
        "insert_events",
        "waiting_events",
        "insert_links",
        "inserted_facts",
        "fold",
        "merge",
        "write_projections",
        => "inserted_events"
    }
}

statement! {
    /// Appends events. No row is locked, and so in no order.
    struct Append(wanted: EventParams) -> InsertedSqlType {
        "match_deliveries",
        "resolve",
        "insert_events",
        => "inserted_events",
        lock = "OFFSET 0",
        lock_order = "OFFSET 0"
    }
}

statement! {
    /// Appends an event, and writes its link if it waits for its delivery.
    struct AppendOne(wanted: OneEventParams) -> InsertedSqlType {
        "match_deliveries",
        "resolve",
        "insert_events",
        "waiting_events",
        "insert_links",
        => "inserted_events",
        lock = "OFFSET 0",
        lock_order = "OFFSET 0"
    }
}

statement! {
    /// Writes the links of appended events that wait for their deliveries.
    ///
    /// It is a separate statement, because few batches have such events, and a statement that joins its events with the
    /// inserted ones has to keep them all. (Measured: 5 % of the time of an append of 1,000 events.)
    struct WriteLinks(wanted: EventParams) -> SqlUuid {
        "match_deliveries",
        "matched_events",
        "insert_links",
        => "written_links"
    }
}

statement! {
    /// Writes the personal details of appended events. It is a separate statement, so that events without details pay nothing.
    struct WriteDetails(detailed: DetailsParams) -> () {
        "given_details",
        => "insert_details"
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
/// A batch is one statement, another one if some of its events have to wait, and another one if some have personal
/// [details](NewEvent::details). They run in a transaction, or in a savepoint of your transaction; a single event without details
/// needs none. Idempotency keys and deliveries are locked in a fixed order, so processes that record the same
/// events at the same time neither deadlock nor record an event twice. A transaction that records several batches takes the
/// locks of each batch in turn, and can deadlock.
///
/// Pass a `Vec` or a slice. The outcomes take their texts and JSON from a `Vec`, and copy those of a slice.
///
/// ```
/// # test_support::with_database(|conn| {
/// use mailglass::{EventType, NewEvent, ledger};
///
/// let event = NewEvent::new("acme", EventType::Delivered, chrono::Utc::now())
///     .provider_message("postmark", "0a129aee")
///     .tenant_idempotency_key("postmark:delivery:0a129aee");
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
pub fn record<'a>(conn: &mut PgConnection, events: impl Into<Cow<'a, [NewEvent]>>) -> Result<Vec<Appended>> {
    record_with(conn, events, &RecordOptions::default())
}

/// [`record`], with options.
///
/// With [rules](RecordOptions::suppress), a batch takes up to five more statements if an event of it adds a suppression, and none
/// otherwise. They are in the transaction of the events. A replay adds nothing, so a suppression that was removed stays removed.
///
/// # Errors
/// As [`record`].
pub fn record_with<'a>(
    conn: &mut PgConnection,
    events: impl Into<Cow<'a, [NewEvent]>>,
    options: &RecordOptions,
) -> Result<Vec<Appended>> {
    let rules = options.suppress.as_ref();
    insert::<Record, RecordOne, _, _>(conn, events.into(), rules, all_or_none, Appended::new)
}

/// Appends events without projecting them: for importing a history before one
/// [`rebuild_all`](crate::projection::rebuild_all). Otherwise it is the same as [`record`].
///
/// # Errors
/// As [`record`].
pub fn append<'a>(conn: &mut PgConnection, events: impl Into<Cow<'a, [NewEvent]>>) -> Result<Vec<Appended>> {
    insert::<Append, AppendOne, _, _>(conn, events.into(), None, all_or_none, Appended::new)
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
/// let event = |event_type, key: &str| NewEvent::new("acme", event_type, now).tenant_idempotency_key(key);
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
pub fn record_each<'a>(conn: &mut PgConnection, events: impl Into<Cow<'a, [NewEvent]>>) -> Result<Vec<Outcome>> {
    record_each_with(conn, events, &RecordOptions::default())
}

/// [`record_each`], with the options of [`record_with`].
///
/// # Errors
/// As [`record_each`].
pub fn record_each_with<'a>(
    conn: &mut PgConnection,
    events: impl Into<Cow<'a, [NewEvent]>>,
    options: &RecordOptions,
) -> Result<Vec<Outcome>> {
    let each = |_: &[EventRow<'_>], resolutions| Ok(resolutions);
    let rules = options.suppress.as_ref();
    insert::<Record, RecordOne, _, _>(conn, events.into(), rules, each, Outcome::new)
}

/// Checks the events and inserts them, in a transaction if there are several. `decide` may still reject the batch. Inserted events
/// add the suppressions that the rules say. `outcome` makes the outcomes once everything is written.
fn insert<S, One, D, T>(
    conn: &mut PgConnection,
    events: Cow<'_, [NewEvent]>,
    suppress: Option<&SuppressionRules>,
    decide: impl Fn(&[EventRow<'_>], Vec<Resolution<InsertedEvent, Event>>) -> Result<Vec<D>>,
    outcome: impl Fn(NewEvent, D) -> T,
) -> Result<Vec<T>>
where
    S: for<'a> Statement<Params<'a> = EventParams<'a>, SqlType = InsertedSqlType>,
    One: for<'a> Statement<Params<'a> = OneEventParams<'a>, SqlType = InsertedSqlType>,
{
    let mut checks = Checks::default();
    checks.batch("events", &events, NewEvent::check);
    let has_fractions = checks.has_fractions();
    checks.finish()?;

    let rows = EventRow::of(&events);
    let details: Vec<NewDetails<'_>> = rows.iter().filter_map(EventRow::details).collect();
    let candidates: Vec<Candidate<'_>> = match suppress {
        Some(rules) => rows.iter().filter_map(|row| row.candidate(rules)).collect(),
        None => Vec::new(),
    };
    let insert_new = |conn: &mut PgConnection, new: &[(usize, &EventRow<'_>)]| {
        let mut inserted = match rows.as_slice() {
            [row] if details.is_empty() => insert_one::<One>(conn, row)?,
            _ => insert_several::<S>(conn, new)?,
        };
        write_details(conn, &details, &inserted)?;
        if has_fractions {
            read_json_back(conn, &mut inserted)?;
        }
        Ok(inserted)
    };
    let call = |conn: &mut PgConnection| {
        let resolutions = idempotency::insert_rows(conn, &rows, insert_new, resolve_conflicts)?;
        let inserted = inserted_of(&candidates, &resolutions);
        let decided = decide(&rows, resolutions)?;
        if let Some(rules) = suppress {
            rules::apply_to_candidates(conn, rules, &inserted)?;
        }
        Ok(decided)
    };
    let decided = match rows.as_slice() {
        [] => Vec::new(),
        // A single event without details is one statement, so there is nothing to roll back.
        [_] if details.is_empty() && candidates.is_empty() => retry::serializable(conn, call)?,
        _ => retry::transaction(conn, call)?,
    };
    let outcomes = events.into_owned().into_iter().zip(decided);
    Ok(outcomes.map(|(event, decided)| outcome(event, decided)).collect())
}

/// The candidates that were inserted. A replay adds nothing, and costs no statement.
fn inserted_of<'a>(
    candidates: &[Candidate<'a>],
    resolutions: &[Resolution<InsertedEvent, Event>],
) -> Vec<Candidate<'a>> {
    if candidates.is_empty() {
        return Vec::new();
    }
    let inserted = resolutions.iter().filter_map(|resolution| match resolution {
        Resolution::Inserted(event) => Some(event.id),
        Resolution::Replayed(_) | Resolution::Conflicting(..) => None,
    });
    let inserted: HashSet<Uuid> = inserted.collect();
    let inserted = candidates
        .iter()
        .filter(|candidate| inserted.contains(&candidate.event_id));
    inserted.copied().collect()
}

/// A conflict rejects the batch.
fn all_or_none(
    rows: &[EventRow<'_>],
    resolutions: Vec<Resolution<InsertedEvent, Event>>,
) -> Result<Vec<Accepted<InsertedEvent, Event>>> {
    idempotency::all_or_none(rows, resolutions)
}

fn insert_one<S>(conn: &mut PgConnection, row: &EventRow<'_>) -> QueryResult<HashMap<Uuid, InsertedEvent>>
where
    S: for<'a> Statement<Params<'a> = OneEventParams<'a>, SqlType = InsertedSqlType>,
{
    let params = First(EventParams::new([row]));
    Ok(by_id(Bound::<S>::new(&params).load(conn)?))
}

fn insert_several<S>(
    conn: &mut PgConnection,
    new: &[(usize, &EventRow<'_>)],
) -> QueryResult<HashMap<Uuid, InsertedEvent>>
where
    S: for<'a> Statement<Params<'a> = EventParams<'a>, SqlType = InsertedSqlType>,
{
    let params = EventParams::new(new.iter().map(|(_, row)| *row));
    let inserted = by_id(Bound::<S>::new(&params).load(conn)?);
    let waits = |row: &&EventRow<'_>| inserted.get(&row.id).is_some_and(|event| event.needs_reconciliation);
    let mut waiting = new.iter().map(|(_, row)| *row).filter(waits).peekable();
    if waiting.peek().is_some() {
        Bound::<WriteLinks>::new(&EventParams::new(waiting)).execute(conn)?;
    }
    Ok(inserted)
}

/// Writes the details of inserted events. The details of a replay may have been erased, and are not written again.
fn write_details(
    conn: &mut PgConnection,
    details: &[NewDetails<'_>],
    inserted: &HashMap<Uuid, InsertedEvent>,
) -> QueryResult<()> {
    let mut new = details
        .iter()
        .filter(|details| inserted.contains_key(&details.event_id))
        .peekable();
    if new.peek().is_some() {
        Bound::<WriteDetails>::new(&DetailsParams::new(new)).execute(conn)?;
    }
    Ok(())
}

fn by_id(events: Vec<InsertedEvent>) -> HashMap<Uuid, InsertedEvent> {
    events.into_iter().map(|event| (event.id, event)).collect()
}

/// The skipped rows are replays or conflicts, because events are never deleted. The statement returns only events of the row's
/// tenant, so the key of a row without one belongs to another tenant.
fn resolve_conflicts(
    conn: &mut PgConnection,
    skipped: &[(usize, &EventRow<'_>)],
) -> Result<HashMap<Uuid, Resolution<InsertedEvent, Event>>> {
    let params = EventParams::new(skipped.iter().map(|(_, row)| *row));
    let holders: Vec<(Event, Uuid, Vec<String>)> = Bound::<Conflicts>::new(&params).load(conn)?;
    let mut resolutions: HashMap<Uuid, Resolution<InsertedEvent, Event>> = holders
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

/// Inserted rows have the caller's values, but jsonb may have stored a fraction in other digits.
fn read_json_back(conn: &mut PgConnection, inserted: &mut HashMap<Uuid, InsertedEvent>) -> QueryResult<()> {
    let rows: Vec<(Uuid, Value, Value)> = mailglass_events::table
        .filter(mailglass_events::id.eq_any(inserted.keys()))
        .select((
            mailglass_events::id,
            mailglass_events::normalized_payload,
            mailglass_events::metadata,
        ))
        .load(conn)?;
    for (id, payload, metadata) in rows {
        if let Some(event) = inserted.get_mut(&id) {
            event.json = Some(Box::new((payload, metadata)));
        }
    }
    Ok(())
}
