//! Enqueue: deliveries are born with their first events, so that the ledger knows all that the projection knows.

mod columns;

use std::collections::HashMap;
use std::sync::LazyLock;

use diesel::prelude::*;
use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use uuid::Uuid;

use self::columns::{Birth, DeliveryColumns};
use crate::batch::{Batch, BatchStatement};
use crate::delivery::Delivery;
use crate::error::Result;
use crate::new_delivery::NewDelivery;
use crate::projection::sql::FOLD;
use crate::replay;
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
        let births = births(std::slice::from_ref(self))?;
        let inserted = retry::serializable(conn, |conn| insert_births(conn, &births))?;
        inserted
            .into_iter()
            .next()
            .map(Inserted::into_delivery)
            .ok_or_else(|| diesel::result::Error::NotFound.into())
    }

    /// Inserts a batch of deliveries, each together with its first event, all or none of them. Answers in input order.
    ///
    /// An entry whose key is taken by the same mailable, stream and recipient is a replay: run it again after a crash.
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
    ///   has, an empty batch, or one of more than [`MAX_BATCH`](crate::MAX_BATCH) deliveries
    /// - [`Error::IdempotencyConflict`](crate::Error::IdempotencyConflict): a key that something else holds
    /// - [`Error::SerializationFailure`](crate::Error::SerializationFailure): in a transaction of yours that isn't READ
    ///   COMMITTED; run it again
    pub fn insert_all(deliveries: &[NewDelivery], conn: &mut PgConnection) -> Result<Vec<Inserted>> {
        let births = births(deliveries)?;
        retry::transaction(conn, |conn| insert_births(conn, &births))
    }
}

fn births(deliveries: &[NewDelivery]) -> Result<Vec<Birth<'_>>> {
    Checks::run(|checks| {
        checks.batch("deliveries", deliveries, NewDelivery::check);
        check_ids(deliveries, checks);
    })?;
    Ok(deliveries.iter().map(Birth::new).collect())
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

fn insert_births(conn: &mut PgConnection, births: &[Birth<'_>]) -> Result<Vec<Inserted>> {
    let columns = DeliveryColumns::new(births.iter());
    let rows: Vec<Delivery> = Batch::<Enqueue, _>::new(&columns).load(conn)?;
    let mut created: HashMap<Uuid, Delivery> = rows.into_iter().map(|row| (row.id, row)).collect();
    let outcomes: Vec<Option<Inserted>> = births
        .iter()
        .map(|birth| created.remove(&birth.id).map(Inserted::Created))
        .collect();

    let read = |skipped: Vec<&Birth<'_>>| {
        let columns = DeliveryColumns::new(skipped.into_iter());
        Ok(Batch::<Replays, _>::new(&columns).load(conn)?)
    };
    replay::settle(births, outcomes, read, Inserted::Replayed)
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
    type SqlType = (mailglass_deliveries::SqlType, SqlUuid, Array<Text>);

    fn sql() -> &'static str {
        include_str!("enqueue/replays.sql")
    }
}
