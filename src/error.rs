//! One error type, and the one place that reads what Diesel and Postgres report.

use std::fmt;

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error as DieselError};
use uuid::Uuid;

/// What every fallible function of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, and so what the caller can do about it.
///
/// After any error but [`Database`](Error::Database), [`SerializationFailure`](Error::SerializationFailure) and
/// [`Migration`](Error::Migration), a transaction of the caller's is still usable, and everything before the call is kept.
/// (After a [`LedgerImmutable`](Error::LedgerImmutable) that a statement of your own met, Postgres has aborted the transaction.)
///
/// Use it as the error of your own transactions and `?` translates Diesel's errors by itself:
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
    /// The input breaks a rule. Nothing was written. Lists every wrong field at once.
    #[error("invalid input: {0}")]
    Invalid(Invalid),

    /// The tenant has no such row.
    #[error("no {record} {id} in this tenant")]
    NotFound {
        /// What was looked for, such as `delivery`.
        record: &'static str,
        /// The id that was looked for.
        id: Uuid,
    },

    /// Somebody else changed the delivery since it was read. Read it again, decide again, try again.
    #[error("delivery {id} has changed since it was read: expected lock_version {expected}, found {found}")]
    StaleEntry {
        /// The delivery.
        id: Uuid,
        /// The `lock_version` of the caller's copy.
        expected: i32,
        /// The `lock_version` of the row.
        found: i32,
    },

    /// Something tried to change the ledger, which is append-only. Append a further event instead.
    #[error("the ledger is append-only: {operation} is refused")]
    LedgerImmutable {
        /// What was tried.
        operation: LedgerOperation,
    },

    /// The idempotency key is taken by something else. Nothing was written.
    ///
    /// Where `fields` is `["tenant_id"]`, the key belongs to another tenant, of which nothing more is told.
    #[error("idempotency key `{key}` is taken by different content: {} differ", fields.join(", "))]
    IdempotencyConflict {
        /// The key.
        key: String,
        /// The position in the batch of the entry that was refused, from 0.
        index: usize,
        /// The fields in which the entry differs from the row that holds the key.
        fields: Vec<String>,
    },

    /// Postgres could not serialize this transaction with what others did meanwhile. Nothing of it was kept: roll back,
    /// and run the whole transaction again.
    ///
    /// It takes REPEATABLE READ or SERIALIZABLE to meet it, and a transaction of your own: a call that is a transaction by
    /// itself is run again, up to ten times in all and with growing pauses, before it gives this up. (PostgreSQL manual,
    /// section 13.5.)
    #[error("could not be serialized with another transaction: run this one again")]
    SerializationFailure(#[source] DieselError),

    /// A migration could not be read or applied.
    #[error("migration failed: {0}")]
    Migration(#[source] Box<dyn std::error::Error + Send + Sync>),

    /// Reverting migrations would drop tables that have rows. Nothing was changed.
    #[error("reverting would lose {}", list_of(.0))]
    WouldLoseData(Vec<LostRows>),

    /// Reverting migrations would take the guard away from a ledger that has rows. Nothing was changed.
    #[error("reverting would leave {} without the guard that keeps it from being changed", rows_of(*.rows, "mailglass_events"))]
    WouldUnguardLedger {
        /// How many rows the ledger has.
        rows: i64,
    },

    /// Anything else that Diesel or Postgres reports.
    #[error(transparent)]
    Database(DieselError),
}

/// Rows that go with their table.
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

/// What somebody tried to do to the ledger.
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

/// Every wrong field of an input, in the order in which they were found. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid(pub(crate) Vec<FieldError>);

impl Invalid {
    /// The wrong fields.
    pub fn fields(&self) -> &[FieldError] {
        &self.0
    }

    /// Whether `field` is among the wrong ones.
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
    /// The position in the batch of the entry that is wrong, from 0; `None` outside a batch.
    pub index: Option<usize>,
    /// The column or attribute, such as `recipient` or `metadata.provider`.
    pub field: String,
    /// What is wrong with it, to be read after the field's name.
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
    /// Whether the input broke a rule: fix it, don't retry.
    pub fn is_invalid(&self) -> bool {
        matches!(self, Error::Invalid(_))
    }

    /// Whether the row is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Error::NotFound { .. })
    }

    /// Whether the caller's copy was out of date: read it again and retry.
    pub fn is_stale_entry(&self) -> bool {
        matches!(self, Error::StaleEntry { .. })
    }

    /// Whether something tried to change the ledger.
    pub fn is_ledger_immutable(&self) -> bool {
        matches!(self, Error::LedgerImmutable { .. })
    }

    /// Whether an idempotency key was used for something else.
    pub fn is_idempotency_conflict(&self) -> bool {
        matches!(self, Error::IdempotencyConflict { .. })
    }

    /// Whether the transaction has to be run again, because of what others did meanwhile.
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

    /// Whether reverting migrations would take the guard away from a ledger that has rows.
    pub fn is_would_unguard_ledger(&self) -> bool {
        matches!(self, Error::WouldUnguardLedger { .. })
    }

    /// Whether it is anything else that Diesel or Postgres reports.
    pub fn is_database(&self) -> bool {
        matches!(self, Error::Database(_))
    }

    pub(crate) fn invalid(field: &str, message: impl Into<String>) -> Self {
        Error::Invalid(Invalid(vec![FieldError {
            index: None,
            field: field.to_owned(),
            message: message.into(),
        }]))
    }
}

/// What is wrong with an id that the database already has.
pub(crate) const ID_IS_TAKEN: &str = "already belongs to another delivery";

/// What is wrong with a provider message that the database already has.
pub(crate) const MESSAGE_IS_TAKEN: &str = "already belongs to another delivery to this recipient";

impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        if let DieselError::DatabaseError(_, information) = &error
            && let Some(known) = recognize(information.as_ref())
        {
            return known;
        }
        match serialization_failure(&error) {
            true => Error::SerializationFailure(error),
            false => Error::Database(error),
        }
    }
}

/// In the middle of a transaction, or at its end.
fn serialization_failure(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => true,
        DieselError::RollbackErrorOnCommit { commit_error, .. } => serialization_failure(commit_error),
        _ => false,
    }
}

/// Diesel drops the SQLSTATE, so the guard repeats itself in DETAIL (the one field besides the message that every proxy
/// forwards), and a unique index is known by its name.
fn recognize(information: &dyn DatabaseErrorInformation) -> Option<Error> {
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
    match information.constraint_name()? {
        "mailglass_deliveries_provider_msg_id_idx" => Some(Error::invalid("provider_message_id", MESSAGE_IS_TAKEN)),
        "mailglass_deliveries_pkey" => Some(Error::invalid("id", ID_IS_TAKEN)),
        _ => None,
    }
}
