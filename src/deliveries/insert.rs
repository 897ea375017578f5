//! Inserting deliveries, each with its first event, so that the ledger has every fact that the projection shows.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::{Array, Bool, Nullable, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::params::{DeliveryParams, DeliveryRow};
use crate::error::{Error, ID_IS_TAKEN, MESSAGE_IS_TAKEN, Result};
use crate::idempotency::{self, Accepted, NewRow as _, Resolution, not_serialized};
use crate::models::{Delivery, NewDelivery};
use crate::projection;
use crate::retry;
use crate::schema::mailglass_deliveries;
use crate::sql::{Bound, statement};
use crate::tenancy;
use crate::validation::Checks;

statement! {
    /// Inserts deliveries and their first events. The projection columns come from the same fold as everywhere.
    struct Insert(batch: DeliveryParams) -> mailglass_deliveries::SqlType {
        "first_of_each_id",
        "first_facts",
        "fold",
        "insert_deliveries",
        "insert_first_events",
        => "inserted_deliveries"
    }
}

statement! {
    /// [`Insert`] that checks the suppressions, and puts the deliveries into the outbox.
    struct InsertAndSend(batch: DeliveryParams) -> mailglass_deliveries::SqlType {
        "first_of_each_id",
        "outbox/new_recipients",
        "suppressions/subjects",
        "suppressions/digests",
        "suppressions/suppressed",
        "outbox/suppress_new",
        "first_facts",
        "fold",
        "insert_deliveries",
        "insert_first_events",
        "outbox/insert",
        => "outbox/inserted_deliveries",
        input = "unchecked",
        reject_reason = "input.reject_reason"
    }
}

statement! {
    /// [`InsertAndSend`] that fails on a conflict. The error has the index, also if a policy hides the row that conflicts.
    struct InsertOrFail(batch: DeliveryParams) -> mailglass_deliveries::SqlType {
        "first_of_each_id",
        "outbox/new_recipients",
        "suppressions/subjects",
        "suppressions/digests",
        "suppressions/suppressed",
        "outbox/suppress_new",
        "first_facts",
        "fold",
        "insert_deliveries",
        "insert_first_events",
        "outbox/insert",
        => "outbox/inserted_deliveries",
        input = "unchecked",
        reject_reason = "input.reject_reason",
        on_conflict = ""
    }
}

statement! {
    /// Reads what the skipped deliveries conflict with.
    struct Conflicts(skipped: DeliveryParams) -> ConflictSqlType {
        => "delivery_conflicts"
    }
}

/// The outcome of inserting a delivery.
#[derive(Clone, Debug, PartialEq)]
pub enum Inserted {
    /// The delivery is new.
    Created(Delivery),
    /// The delivery was inserted before, with the same idempotency key. This is its current row; nothing was written.
    Replayed(Delivery),
}

impl Inserted {
    /// The row.
    pub fn delivery(&self) -> &Delivery {
        match self {
            Inserted::Created(delivery) | Inserted::Replayed(delivery) => delivery,
        }
    }

    /// The row.
    pub fn into_delivery(self) -> Delivery {
        match self {
            Inserted::Created(delivery) | Inserted::Replayed(delivery) => delivery,
        }
    }

    /// Whether the delivery was inserted before.
    pub fn is_replay(&self) -> bool {
        matches!(self, Inserted::Replayed(_))
    }
}

impl From<Accepted<Delivery, Delivery>> for Inserted {
    fn from(accepted: Accepted<Delivery, Delivery>) -> Self {
        match accepted {
            Accepted::Inserted(delivery) => Inserted::Created(delivery),
            Accepted::Replayed(delivery) => Inserted::Replayed(delivery),
        }
    }
}

impl NewDelivery {
    /// Inserts the delivery and its first event.
    ///
    /// # Errors
    /// As [`insert_all`](Self::insert_all), without positions in a batch.
    pub fn insert(&self, conn: &mut PgConnection) -> Result<Inserted> {
        let mut inserted = NewDelivery::insert_all(conn, std::slice::from_ref(self)).map_err(Error::without_index)?;
        inserted.pop().ok_or_else(|| diesel::result::Error::NotFound.into())
    }

    /// Inserts a batch of deliveries, each with its first event: all or none. The outcomes are in input order.
    ///
    /// A delivery whose idempotency key is in use is a replay if the mailable, stream and recipient are the same, and a
    /// conflict otherwise. So a batch can be inserted again after a crash. The key alone decides, even if the replay names an
    /// id or a provider message, or races with the first insert.
    ///
    /// If the ledger already has facts of a delivery with the given [`id`](Self::id), because an earlier row was deleted, the
    /// new row is projected from these facts as well.
    ///
    /// ```
    /// # test_support::with_database(|conn| {
    /// use mailglass::{NewDelivery, Stream};
    ///
    /// let batch = ["ann@example.com", "bob@example.org"].map(|recipient| {
    ///     NewDelivery::new("acme", "newsletter", Stream::Bulk, recipient)
    ///         .tenant_idempotency_key(format!("newsletter:47:{recipient}"))
    /// });
    /// let first = NewDelivery::insert_all(conn, &batch)?;
    /// let again = NewDelivery::insert_all(conn, &batch)?;
    /// assert!(again.iter().all(|inserted| inserted.is_replay()));
    /// assert_eq!(first[1].delivery(), again[1].delivery());
    /// # Ok(()) });
    /// ```
    ///
    /// # Errors
    /// - [`Error::Invalid`](crate::Error::Invalid): a field is wrong, another delivery has the id or the provider message,
    ///   or the batch exceeds [`MAX_BATCH`](crate::MAX_BATCH) deliveries or [`MAX_BATCH_BYTES`](crate::MAX_BATCH_BYTES)
    /// - [`Error::IdempotencyConflict`](crate::Error::IdempotencyConflict): a different delivery has the key
    /// - [`Error::SerializationFailure`](crate::Error::SerializationFailure): your transaction is not READ COMMITTED and
    ///   must be run again
    pub fn insert_all(conn: &mut PgConnection, deliveries: &[NewDelivery]) -> Result<Vec<Inserted>> {
        Checks::run(|checks| {
            checks.batch("deliveries", deliveries, NewDelivery::check);
            check_ids(deliveries, checks);
        })?;
        let rows: Vec<DeliveryRow<'_>> = deliveries.iter().map(DeliveryRow::new).collect();
        match rows.as_slice() {
            [] => Ok(Vec::new()),
            // A single delivery with a new id is one statement, so there is nothing to roll back.
            [row] if !row.has_given_id() => retry::serializable(conn, |conn| insert_rows(conn, &rows)),
            _ => retry::transaction(conn, |conn| insert_rows(conn, &rows)),
        }
    }
}

/// Two deliveries of a batch may have the same given id only if they have the same key: the second is a replay.
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
            checks.add("id", "is given to another delivery of the batch");
        }
    }
}

fn insert_rows(conn: &mut PgConnection, rows: &[DeliveryRow<'_>]) -> Result<Vec<Inserted>> {
    let resolutions = idempotency::insert_rows(conn, rows, insert_deliveries, resolve_conflicts)?;
    let accepted = idempotency::all_or_none(rows, resolutions)?;
    Ok(accepted.into_iter().map(Inserted::from).collect())
}

fn insert_deliveries(conn: &mut PgConnection, new: &[(usize, &DeliveryRow<'_>)]) -> Result<HashMap<Uuid, Delivery>> {
    let params = DeliveryParams::new(new.iter().map(|(_, row)| *row));
    // A delivery that is only tracked pays nothing for the outbox.
    let inserted: Vec<Delivery> = if new.iter().any(|(_, row)| row.is_to_be_sent()) {
        Bound::<InsertAndSend>::new(&params).load(conn)?
    } else {
        Bound::<Insert>::new(&params).load(conn)?
    };
    let mut inserted = inserted.into_iter().map(|delivery| (delivery.id, delivery)).collect();
    project_earlier_facts(conn, new, &mut inserted)?;
    Ok(inserted)
}

/// The ledger may already have facts of an id that the application gave. A later statement than the insert reads them: the
/// insert may have waited for the DELETE of an earlier delivery with this id, and so for events recorded before it.
fn project_earlier_facts(
    conn: &mut PgConnection,
    new: &[(usize, &DeliveryRow<'_>)],
    inserted: &mut HashMap<Uuid, Delivery>,
) -> Result<()> {
    let is_given = |row: &&DeliveryRow<'_>| row.has_given_id() && inserted.contains_key(&row.id());
    let given = new.iter().map(|(_, row)| *row).filter(is_given);
    // Two rows of the batch may have the same id.
    let given: BTreeMap<Uuid, &str> = given.map(|row| (row.id(), row.tenant_id())).collect();
    if given.is_empty() {
        return Ok(());
    }
    projection::rebuild_locked(conn, given.iter().map(|(id, tenant_id)| (*tenant_id, *id)))?;
    let current: Vec<Delivery> = mailglass_deliveries::table
        .filter(mailglass_deliveries::id.eq_any(given.keys()))
        .select(Delivery::as_select())
        .load(conn)?;
    // Under REPEATABLE READ, the snapshot may still show the earlier delivery and lack its last events.
    if current.len() > given.len() {
        return Err(not_serialized("a delivery with the same id was deleted meanwhile"));
    }
    inserted.extend(current.into_iter().map(|delivery| (delivery.id, delivery)));
    Ok(())
}

/// The conflict of a skipped delivery.
#[derive(Queryable)]
struct Conflict {
    row_id: Uuid,
    key_is_taken: bool,
    id_is_taken: bool,
    provider_message_is_taken: bool,
    differing: Vec<String>,
    /// The row that holds the key, if it belongs to the same tenant.
    holder: Option<Delivery>,
}

impl Conflict {
    /// Whether the row that conflicts can be read.
    fn is_visible(&self) -> bool {
        self.key_is_taken || self.id_is_taken || self.provider_message_is_taken
    }
}

type ConflictSqlType = (
    SqlUuid,
    Bool,
    Bool,
    Bool,
    Array<Text>,
    Nullable<mailglass_deliveries::SqlType>,
);

/// The key decides, whichever unique index reported the conflict.
fn resolve_conflicts(
    conn: &mut PgConnection,
    skipped: &[(usize, &DeliveryRow<'_>)],
) -> Result<HashMap<Uuid, Resolution<Delivery, Delivery>>> {
    let params = DeliveryParams::new(skipped.iter().map(|(_, row)| *row));
    let conflicts: Vec<Conflict> = Bound::<Conflicts>::new(&params).load(conn)?;
    let mut conflicts: HashMap<Uuid, Conflict> = conflicts
        .into_iter()
        .map(|conflict| (conflict.row_id, conflict))
        .collect();
    let mut resolutions = HashMap::new();
    let mut unexplained = Vec::new();
    Checks::run(|checks| {
        for (index, row) in skipped {
            let Some(conflict) = conflicts.remove(&row.row_id()) else {
                continue;
            };
            if !conflict.is_visible() {
                unexplained.push((*index, *row));
            } else if let Some(holder) = conflict.holder {
                resolutions.insert(row.row_id(), Resolution::of_holder(holder, conflict.differing));
            } else if conflict.key_is_taken {
                resolutions.insert(row.row_id(), Resolution::of_another_tenant());
            } else {
                checks.at(*index);
                if conflict.id_is_taken {
                    checks.add("id", ID_IS_TAKEN);
                }
                if conflict.provider_message_is_taken {
                    checks.add("provider_message_id", MESSAGE_IS_TAKEN);
                }
            }
        }
    })?;
    // The row that conflicts was deleted meanwhile, or a policy hides it, because it belongs to another tenant.
    if !unexplained.is_empty() && tenancy::is_active(conn)? {
        resolve_hidden_conflicts(conn, &unexplained, &mut resolutions)?;
    }
    Ok(resolutions)
}

/// Inserts rows again, each by itself, so that the server reports which index conflicts with a row that it does not show.
fn resolve_hidden_conflicts(
    conn: &mut PgConnection,
    rows: &[(usize, &DeliveryRow<'_>)],
    resolutions: &mut HashMap<Uuid, Resolution<Delivery, Delivery>>,
) -> Result<()> {
    let mut checks = Checks::default();
    for (index, row) in rows {
        let params = DeliveryParams::new([*row]);
        let inserted = retry::with_savepoint(conn, |conn| Ok(Bound::<InsertOrFail>::new(&params).load(conn)?));
        match inserted {
            Ok(inserted) => {
                let mut inserted: HashMap<Uuid, Delivery> = (inserted.into_iter())
                    .map(|delivery: Delivery| (delivery.id, delivery))
                    .collect();
                project_earlier_facts(conn, &[(*index, row)], &mut inserted)?;
                let inserted = inserted
                    .into_values()
                    .map(|delivery| (row.row_id(), Resolution::Inserted(delivery)));
                resolutions.extend(inserted);
            }
            Err(Error::Invalid(invalid)) => {
                checks.at(*index);
                for field in invalid.fields() {
                    checks.add(&field.field, field.message.as_str());
                }
            }
            Err(Error::Database(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _))) => {
                // A row of this tenant that was inserted just now is found by the next attempt.
                let holders: Vec<Conflict> = Bound::<Conflicts>::new(&params).load(conn)?;
                if !holders.iter().any(Conflict::is_visible) {
                    resolutions.insert(row.row_id(), Resolution::of_another_tenant());
                }
            }
            Err(error) => return Err(error),
        }
    }
    checks.finish()
}
