//! Enqueue: deliveries are born with their first events, so that the ledger knows all that the projection knows.

mod columns;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::{Array, Bool, Nullable, Text, Uuid as SqlUuid};
use uuid::Uuid;

use self::columns::{Birth, DeliveryColumns};
use crate::batch::{Batch, BatchStatement};
use crate::delivery::Delivery;
use crate::error::{Error, ID_IS_TAKEN, MESSAGE_IS_TAKEN, Result};
use crate::new_delivery::NewDelivery;
use crate::projection;
use crate::projection::sql::FOLD;
use crate::replay::{self, Entry};
use crate::retry;
use crate::schema::mailglass_deliveries;
use crate::validation::Checks;

/// What became of a delivery that was to be inserted.
#[derive(Clone, Debug, PartialEq)]
pub enum Inserted {
    /// It is new, and this is its row.
    Created(Delivery),
    /// It had been inserted before, under the same idempotency key: this is its row as it stands now. Nothing moved.
    Replayed(Delivery),
}

impl Inserted {
    /// The row, whenever it was inserted.
    pub fn delivery(&self) -> &Delivery {
        match self {
            Inserted::Created(delivery) | Inserted::Replayed(delivery) => delivery,
        }
    }

    /// The row, whenever it was inserted.
    pub fn into_delivery(self) -> Delivery {
        match self {
            Inserted::Created(delivery) | Inserted::Replayed(delivery) => delivery,
        }
    }

    /// Whether it had been inserted before.
    pub fn is_replay(&self) -> bool {
        matches!(self, Inserted::Replayed(_))
    }
}

impl NewDelivery {
    /// Inserts the delivery together with its first event, and returns the row; on a replay, the one that is there.
    ///
    /// # Errors
    /// As [`insert_all`](Self::insert_all).
    pub fn insert(&self, conn: &mut PgConnection) -> Result<Delivery> {
        let inserted = insert_checked(conn, std::slice::from_ref(self))?;
        inserted
            .into_iter()
            .next()
            .map(Inserted::into_delivery)
            .ok_or_else(|| diesel::result::Error::NotFound.into())
    }

    /// Inserts a batch of deliveries, each together with its first event, all or none of them. Answers in input order; an
    /// empty batch is no work.
    ///
    /// An entry whose key is taken by the same mailable, stream and recipient is a replay: run it again after a crash. The key
    /// alone decides: a replay may name an id or a provider message as well, and may race with the first insert.
    ///
    /// If the ledger already has facts of a delivery with the [`id`](Self::id) that is given (it was deleted, and is inserted
    /// again), the new row is projected from them, too.
    ///
    /// ```
    /// # mod doctest { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doctest/with_database.rs")); }
    /// # doctest::with_database(|conn| {
    /// use mailglass::{NewDelivery, Stream};
    ///
    /// let batch = ["ann@example.com", "bob@example.org"].map(|recipient| {
    ///     NewDelivery::new("acme", "newsletter", Stream::Bulk, recipient)
    ///         .idempotency_key(format!("acme:newsletter:47:{recipient}"))
    /// });
    /// let first = NewDelivery::insert_all(&batch, conn)?;
    /// let again = NewDelivery::insert_all(&batch, conn)?;
    /// assert!(again.iter().all(|inserted| inserted.is_replay()));
    /// assert_eq!(first[1].delivery(), again[1].delivery());
    /// # Ok(()) });
    /// ```
    ///
    /// # Errors
    /// - [`Error::Invalid`](crate::Error::Invalid): wrong fields, an id or a provider message id that another delivery
    ///   has, or a batch of more than [`MAX_BATCH`](crate::MAX_BATCH) deliveries or
    ///   [`MAX_BATCH_BYTES`](crate::MAX_BATCH_BYTES) bytes
    /// - [`Error::IdempotencyConflict`](crate::Error::IdempotencyConflict): a key that something else holds
    /// - [`Error::SerializationFailure`](crate::Error::SerializationFailure): in a transaction of yours that isn't READ
    ///   COMMITTED; run it again
    pub fn insert_all(deliveries: &[NewDelivery], conn: &mut PgConnection) -> Result<Vec<Inserted>> {
        insert_checked(conn, deliveries)
    }
}

fn insert_checked(conn: &mut PgConnection, deliveries: &[NewDelivery]) -> Result<Vec<Inserted>> {
    Checks::run(|checks| {
        checks.batch("deliveries", deliveries, NewDelivery::check);
        check_ids(deliveries, checks);
    })?;
    let births: Vec<Birth<'_>> = deliveries.iter().map(Birth::new).collect();
    match births.as_slice() {
        [] => Ok(Vec::new()),
        // One delivery under a fresh id is one statement: there is no half of it to roll back.
        [birth] if !birth.has_given_id() => retry::serializable(conn, |conn| insert_births(conn, &births)),
        _ => retry::transaction(conn, |conn| insert_births(conn, &births)),
    }
}

/// An id that the application gave may come twice only under one key, as a replay.
fn check_ids(deliveries: &[NewDelivery], checks: &mut Checks) {
    let mut keys = HashMap::new();
    for (index, delivery) in deliveries.iter().enumerate() {
        let Some(id) = delivery.id else { continue };
        let key = delivery.idempotency_key.as_deref();
        if keys
            .insert(id, key)
            .is_some_and(|earlier| key.is_none() || earlier != key)
        {
            checks.at(index);
            checks.complain("id", "is given to another delivery of the batch");
        }
    }
}

/// How often an entry is inserted again whose obstacle is gone when it is looked for.
const ATTEMPTS: usize = 10;

fn insert_births(conn: &mut PgConnection, births: &[Birth<'_>]) -> Result<Vec<Inserted>> {
    let mut inserted: Vec<Option<Inserted>> = vec![None; births.len()];
    for _ in 0..ATTEMPTS {
        for (index, row) in create(conn, births, &missing(&inserted))? {
            inserted[index] = Some(Inserted::Created(row));
        }
        for (index, obstacle) in obstacles(conn, births, &missing(&inserted))? {
            inserted[index] = obstacle.settle(&births[index], index)?.map(Inserted::Replayed);
        }
        if inserted.iter().all(Option::is_some) {
            return Ok(inserted.into_iter().flatten().collect());
        }
    }
    // Somebody inserts and deletes the same delivery without end.
    Err(not_serialized())
}

/// The positions of the entries that have no row yet.
fn missing(inserted: &[Option<Inserted>]) -> Vec<usize> {
    (0..inserted.len()).filter(|index| inserted[*index].is_none()).collect()
}

/// Inserts what nothing stands in the way of, and returns it with its position.
fn create(conn: &mut PgConnection, births: &[Birth<'_>], wanted: &[usize]) -> Result<Vec<(usize, Delivery)>> {
    let columns = DeliveryColumns::new(wanted.iter().map(|index| &births[*index]));
    let rows: Vec<Delivery> = Batch::<Enqueue, _>::new(&columns).load(conn)?;
    let mut rows: HashMap<Uuid, Delivery> = rows.into_iter().map(|row| (row.id, row)).collect();
    project_earlier_facts(conn, births, &mut rows)?;
    // Twins share an id: the first one counts.
    Ok((wanted.iter())
        .filter_map(|index| Some((*index, rows.remove(&births[*index].id)?)))
        .collect())
}

/// The ledger may already have facts of an id that the application gave. They are read in a later statement than the insert,
/// which may have waited for the DELETE of an earlier delivery with this id, and for the events that were recorded before it.
fn project_earlier_facts(
    conn: &mut PgConnection,
    births: &[Birth<'_>],
    rows: &mut HashMap<Uuid, Delivery>,
) -> Result<()> {
    let mut given: BTreeMap<&str, BTreeSet<Uuid>> = BTreeMap::new();
    for birth in births {
        if birth.has_given_id() && rows.contains_key(&birth.id) {
            given.entry(birth.tenant_id()).or_default().insert(birth.id);
        }
    }
    for (tenant_id, ids) in given {
        let ids: Vec<Uuid> = ids.into_iter().collect();
        projection::rebuild_locked(conn, tenant_id, &ids)?;
        let current: Vec<Delivery> = mailglass_deliveries::table
            .filter(mailglass_deliveries::id.eq_any(&ids))
            .select(Delivery::as_select())
            .load(conn)?;
        // Under REPEATABLE READ, the snapshot may still have the earlier delivery, and lack its last events.
        if current.len() > ids.len() {
            return Err(not_serialized());
        }
        rows.extend(current.into_iter().map(|row| (row.id, row)));
    }
    Ok(())
}

/// What keeps each of the skipped entries out, by its position.
fn obstacles(conn: &mut PgConnection, births: &[Birth<'_>], skipped: &[usize]) -> Result<Vec<(usize, Obstacle)>> {
    if skipped.is_empty() {
        return Ok(Vec::new());
    }
    let columns = DeliveryColumns::new(skipped.iter().map(|index| &births[*index]));
    let obstacles: Vec<Obstacle> = Batch::<Replays, _>::new(&columns).load(conn)?;
    let mut obstacles: HashMap<Uuid, Obstacle> = obstacles
        .into_iter()
        .map(|obstacle| (obstacle.entry, obstacle))
        .collect();
    let by_position = skipped
        .iter()
        .map(|index| Some((*index, obstacles.remove(&births[*index].entry_id())?)));
    Ok(by_position.flatten().collect())
}

fn not_serialized() -> Error {
    let message = "the delivery is being inserted and deleted by others".to_owned();
    Error::SerializationFailure(DieselError::DatabaseError(
        DatabaseErrorKind::SerializationFailure,
        Box::new(message),
    ))
}

/// What keeps a skipped delivery out.
#[derive(Queryable)]
struct Obstacle {
    entry: Uuid,
    key_is_taken: bool,
    id_is_taken: bool,
    provider_message_is_taken: bool,
    differing: Vec<String>,
    /// The row that holds the key, if it is the tenant's.
    row: Option<Delivery>,
}

impl Obstacle {
    /// The row of which the entry is a replay; `None` if whatever was in its way is gone. The key decides, whichever unique
    /// index noticed first.
    fn settle(self, birth: &Birth<'_>, index: usize) -> Result<Option<Delivery>> {
        match self.row {
            Some(row) if self.differing.is_empty() => return Ok(Some(row)),
            Some(_) => return Err(replay::conflict(birth, index, self.differing)),
            None if self.key_is_taken => return Err(replay::conflict(birth, index, vec!["tenant_id".to_owned()])),
            None => {}
        }
        Checks::run(|checks| {
            checks.at(index);
            if self.id_is_taken {
                checks.complain("id", ID_IS_TAKEN);
            }
            if self.provider_message_is_taken {
                checks.complain("provider_message_id", MESSAGE_IS_TAKEN);
            }
        })?;
        Ok(None)
    }
}

struct Enqueue;

struct Replays;

static ENQUEUE: LazyLock<String> =
    LazyLock::new(|| include_str!("enqueue/enqueue.sql").replace(":fold", FOLD.trim_end()));

impl BatchStatement for Enqueue {
    type SqlType = mailglass_deliveries::SqlType;

    fn sql() -> &'static str {
        &ENQUEUE
    }
}

impl BatchStatement for Replays {
    type SqlType = (
        SqlUuid,
        Bool,
        Bool,
        Bool,
        Array<Text>,
        Nullable<mailglass_deliveries::SqlType>,
    );

    fn sql() -> &'static str {
        include_str!("enqueue/replays.sql")
    }
}
