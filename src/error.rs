//! The error type, and the only place that reads the errors of Diesel and Postgres.

mod cut_rejection;
mod step_advice;

use std::fmt;

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error as DieselError};
use uuid::Uuid;

use self::step_advice::step_advice;
use crate::models::{DeliveryStatus, EventType};

pub use cut_rejection::CutRejection;

/// The result of every fallible function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of this crate.
///
/// Your transaction is still usable after an error of one of this crate's functions, and the work before the call is kept,
/// except after [`Database`](Error::Database), [`SerializationFailure`](Error::SerializationFailure) and
/// [`Migration`](Error::Migration).
///
/// Every call can return `Database`, so the documentation of a function lists it only if there is more to say.
///
/// It converts from Diesel's error, so it can be the error of your own transactions:
///
/// ```no_run
/// # use diesel::prelude::*;
/// # fn main() -> mailglass::Result<()> {
/// # let mut conn = PgConnection::establish("postgresql:///app").unwrap();
/// let refused = conn.transaction::<_, mailglass::Error, _>(|conn| {
///     diesel::delete(mailglass::schema::mailglass_events::table).execute(conn)?;
///     Ok(())
/// });
/// assert!(refused.is_err_and(|error| error.is_ledger_immutable()));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The input is invalid. Nothing was written. It lists every wrong field.
    #[error("invalid input: {0}")]
    Invalid(Invalid),

    /// The tenant has no such record.
    #[error("no {record} {id} in this tenant")]
    NotFound {
        /// The kind of record, such as `delivery`.
        record: &'static str,
        /// The id of the record.
        id: Uuid,
    },

    /// The delivery has changed since it was read. Read it again, and decide again.
    #[error("delivery {id} has changed since it was read: expected lock_version {expected}, found {found}")]
    StaleEntry {
        /// The delivery.
        id: Uuid,
        /// The `lock_version` of the caller's copy.
        expected: i32,
        /// The `lock_version` of the row.
        found: i32,
    },

    /// A step of sending contradicts the state of the delivery. Nothing was written. The message says what to do.
    #[error("delivery {id} is {status}, so it can't be marked as {step}: {}", step_advice(*step, *status))]
    StepRejected {
        /// The delivery.
        id: Uuid,
        /// The event that the step would record: `dispatched`, `failed` or `suppressed`.
        step: EventType,
        /// The status of the row.
        status: DeliveryStatus,
    },

    /// The worker does not have the lease of the delivery any more: it expired and another worker claimed the delivery, or the
    /// delivery has left the outbox. Nothing was written. Do not send the message.
    #[error(
        "the lease of delivery {delivery_id} was lost: another worker claimed it, or it left the outbox; do not send it"
    )]
    LeaseLost {
        /// The delivery.
        delivery_id: Uuid,
    },

    /// A statement tried to change the ledger, which is append-only. Postgres has aborted the transaction. Append another event
    /// instead.
    #[error("the ledger is append-only: {operation} is rejected")]
    LedgerImmutable {
        /// The operation.
        operation: LedgerOperation,
    },

    /// A different record has the idempotency key. Nothing was written.
    #[error("idempotency key `{key}` belongs to a record that differs in {}", fields.join(", "))]
    IdempotencyConflict {
        /// The key.
        key: IdempotencyKey,
        /// The position of the rejected entry in the batch, from 0.
        index: usize,
        /// The fields that differ from the row that holds the key: `["tenant_id"]` if it belongs to another tenant.
        fields: Vec<String>,
    },

    /// The transaction could not be serialized with concurrent ones. Roll it back and run all of it again.
    ///
    /// It occurs under REPEATABLE READ and SERIALIZABLE or, very rarely, if other processes keep inserting and deleting a
    /// conflicting row. Calls outside of a transaction of yours are retried up to ten times, with growing pauses (PostgreSQL
    /// manual, section 13.5).
    ///
    /// On Citus, it also occurs if the schema moves to another node during the call. Citus reports a failure on a worker that it
    /// notices before COMMIT as `failure on connection marked as essential`, which may also be a lost connection to the worker.
    /// It is returned as [`Database`](Error::Database); Citus has rolled the transaction back, so run it again as well.
    #[error("could not be serialized with concurrent transactions: run the transaction again")]
    SerializationFailure(#[source] DieselError),

    /// Applying or reverting migrations failed, or reading which are applied.
    #[error("migration failed: {0}")]
    Migration(#[source] Box<dyn std::error::Error + Send + Sync>),

    /// Reverting migrations would drop tables that have rows. Nothing was changed.
    #[error("reverting would lose {}", list_of(.0))]
    WouldLoseData(Vec<LostRows>),

    /// Reverting migrations would remove the guard of a ledger that has rows. Nothing was changed.
    #[error("reverting would remove the guard of {}", rows_of(*.rows, "mailglass_events"))]
    WouldUnguardLedger {
        /// How many rows the ledger has, and the old ledgers that cuts have kept.
        rows: i64,
    },

    /// A cut of the ledger was rejected, or can't be resumed or aborted. See [`retention`](crate::retention).
    #[error("{0}")]
    CutRejected(CutRejection),

    /// Any other error of Diesel or Postgres.
    #[error(transparent)]
    Database(DieselError),
}

/// An idempotency key in an error. `Display` and `Debug` do not print a key that may contain an address.
#[derive(Clone, PartialEq, Eq)]
pub struct IdempotencyKey(pub(crate) String);

impl IdempotencyKey {
    /// The key as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(without_address(&self.0))
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", without_address(&self.0))
    }
}

/// A text that may hold an address, for a message. A key that carries its tenant begins with an `@`.
pub(crate) fn without_address(text: &str) -> &str {
    let has_address = text
        .char_indices()
        .any(|(position, character)| character == '@' && position > 0);
    if has_address { "[redacted]" } else { text }
}

/// Rows that would be lost with their table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct LostRows {
    /// The table that would be dropped.
    pub table: &'static str,
    /// How many rows it has.
    pub count: i64,
}

fn list_of(lost: &[LostRows]) -> String {
    let of_each = lost.iter().map(|lost| rows_of(lost.count, lost.table));
    of_each.collect::<Vec<_>>().join(", ")
}

fn rows_of(count: i64, table: &str) -> String {
    let rows = if count == 1 { "row" } else { "rows" };
    format!("{count} {rows} of {table}")
}

/// An operation that the ledger rejects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LedgerOperation {
    /// `UPDATE`, `MERGE … UPDATE` or `INSERT … ON CONFLICT DO UPDATE`.
    Update,
    /// `DELETE` or `MERGE … DELETE`.
    Delete,
    /// `TRUNCATE`.
    Truncate,
}

impl fmt::Display for LedgerOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LedgerOperation::Update => "UPDATE",
            LedgerOperation::Delete => "DELETE",
            LedgerOperation::Truncate => "TRUNCATE",
        })
    }
}

/// The wrong fields of an input, in the order in which they were found. It is never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid(pub(crate) Vec<FieldError>);

impl Invalid {
    /// The wrong fields.
    pub fn fields(&self) -> &[FieldError] {
        &self.0
    }

    /// Whether `field` is wrong.
    pub fn contains(&self, field: &str) -> bool {
        self.0.iter().any(|error| error.field == field)
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, error) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

/// One wrong field.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldError {
    /// The position of the wrong entry in the batch, from 0; `None` outside of a batch.
    pub index: Option<usize>,
    /// The column or attribute, such as `recipient` or `metadata.provider`.
    pub field: String,
    /// What is wrong, to be read after the name of the field.
    pub message: String,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(index) = self.index {
            write!(f, "[{index}].")?;
        }
        write!(f, "{} {}", self.field, self.message)
    }
}

impl Error {
    /// Whether the input is invalid: fix it, don't retry.
    pub fn is_invalid(&self) -> bool {
        matches!(self, Error::Invalid(_))
    }

    /// Whether the record does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Error::NotFound { .. })
    }

    /// Whether the delivery has changed since it was read: read it again and retry.
    pub fn is_stale_entry(&self) -> bool {
        matches!(self, Error::StaleEntry { .. })
    }

    /// Whether a step of sending contradicts the state of the delivery: don't retry.
    pub fn is_step_rejected(&self) -> bool {
        matches!(self, Error::StepRejected { .. })
    }

    /// Whether the worker has lost the lease of the delivery: do not send it.
    pub fn is_lease_lost(&self) -> bool {
        matches!(self, Error::LeaseLost { .. })
    }

    /// Whether a statement tried to change the ledger.
    pub fn is_ledger_immutable(&self) -> bool {
        matches!(self, Error::LedgerImmutable { .. })
    }

    /// Whether a different record has the idempotency key.
    pub fn is_idempotency_conflict(&self) -> bool {
        matches!(self, Error::IdempotencyConflict { .. })
    }

    /// Whether the transaction must be run again.
    pub fn is_serialization_failure(&self) -> bool {
        matches!(self, Error::SerializationFailure(_))
    }

    /// Whether a migration failed.
    pub fn is_migration(&self) -> bool {
        matches!(self, Error::Migration(_))
    }

    /// Whether reverting migrations would lose rows.
    pub fn is_would_lose_data(&self) -> bool {
        matches!(self, Error::WouldLoseData(_))
    }

    /// Whether reverting migrations would remove the guard of a ledger that has rows.
    pub fn is_would_unguard_ledger(&self) -> bool {
        matches!(self, Error::WouldUnguardLedger { .. })
    }

    /// Whether a cut of the ledger was rejected.
    pub fn is_cut_rejected(&self) -> bool {
        matches!(self, Error::CutRejected(_))
    }

    /// Whether it is any other error of Diesel or Postgres.
    pub fn is_database(&self) -> bool {
        matches!(self, Error::Database(_))
    }

    /// The same error of an input that is not part of a batch.
    pub(crate) fn without_index(self) -> Self {
        match self {
            Error::Invalid(Invalid(mut fields)) => {
                fields.iter_mut().for_each(|field| field.index = None);
                Error::Invalid(Invalid(fields))
            }
            other => other,
        }
    }

    pub(crate) fn invalid(field: &str, message: impl Into<String>) -> Self {
        Error::Invalid(Invalid(vec![FieldError {
            index: None,
            field: field.to_owned(),
            message: message.into(),
        }]))
    }
}

/// The message for an id that is in use.
pub(crate) const ID_IS_TAKEN: &str = "already belongs to another delivery";

/// The message for a provider message that is in use.
pub(crate) const MESSAGE_IS_TAKEN: &str = "already belongs to another delivery to this recipient";

impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        if let DieselError::DatabaseError(kind, information) = &error
            && let Some(known) = recognize(kind, information.as_ref())
        {
            return known;
        }
        if serialization_failure(&error) {
            Error::SerializationFailure(error)
        } else {
            Error::Database(error)
        }
    }
}

/// Whether a statement or a COMMIT failed to serialize.
fn serialization_failure(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => true,
        DieselError::DatabaseError(DatabaseErrorKind::Unknown, information) => {
            is_interrupted_by_citus(information.message())
        }
        DieselError::RollbackErrorOnCommit { commit_error, .. } => serialization_failure(commit_error),
        _ => false,
    }
}

/// Whether a statement failed because Citus moved its shards to another node meanwhile. Citus reports it with a SQLSTATE that
/// Diesel does not know, and does not translate its messages.
fn is_interrupted_by_citus(message: &str) -> bool {
    message.starts_with("Query could not find the intermediate result file")
}

/// Diesel drops the SQLSTATE, and Citus and some proxies drop the names of constraints. So the guard repeats the operation in
/// DETAIL, which all of them forward, and a unique index is recognized by its name in the message.
fn recognize(kind: &DatabaseErrorKind, information: &dyn DatabaseErrorInformation) -> Option<Error> {
    if let Some(operation) = information
        .details()
        .and_then(|detail| detail.strip_prefix("mailglass:immutable:"))
    {
        let operation = match operation {
            "update" => LedgerOperation::Update,
            "delete" => LedgerOperation::Delete,
            "truncate" => LedgerOperation::Truncate,
            _ => return None,
        };
        return Some(Error::LedgerImmutable { operation });
    }
    if !matches!(kind, DatabaseErrorKind::UniqueViolation) {
        return None;
    }
    let violates = |index| match information.constraint_name() {
        Some(name) => is_index_or_shard(name, index),
        None => quoted(information.message()).any(|name| is_index_or_shard(name, index)),
    };
    if violates("mailglass_deliveries_provider_msg_id_idx") {
        Some(Error::invalid("provider_message_id", MESSAGE_IS_TAKEN))
    } else if violates("mailglass_deliveries_pkey") {
        Some(Error::invalid("id", ID_IS_TAKEN))
    } else {
        None
    }
}

/// The names that a message quotes. Messages are translated, and with them the quotation marks: `"name"`, `«name»`, `»name«`
/// or `« name »`.
fn quoted(message: &str) -> impl Iterator<Item = &str> {
    // Every second part is between two marks.
    message.split(['"', '«', '»']).skip(1).step_by(2).map(str::trim)
}

/// Whether `name` is the index, or the index of one of its shards: Citus appends `_` and the number of the shard.
fn is_index_or_shard(name: &str, index: &str) -> bool {
    name.strip_prefix(index).is_some_and(|suffix| {
        let shard = suffix.strip_prefix('_');
        suffix.is_empty()
            || shard.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()))
    })
}
