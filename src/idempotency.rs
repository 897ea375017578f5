//! Idempotent inserts: rows whose idempotency key is new are inserted, and the others are replays or conflicts.

use std::collections::HashMap;

#[cfg(feature = "postgres")]
use diesel::pg::PgConnection;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use uuid::Uuid;

use crate::error::{Error, IdempotencyKey, Result};

/// A key that carries its tenant: `@`, the number of bytes of the tenant, `:`, the tenant, `:`, and the key, such as
/// `@4:acme:welcome:42`.
///
/// Keys are unique across all tenants. If one tenant can guess the key that another one will use, such as `welcome:42`, and uses
/// it first, then the other one's insert is a conflict. With this form nobody can: the crate rejects it for any other tenant.
///
/// [`NewEvent::tenant_idempotency_key`](crate::NewEvent::tenant_idempotency_key) and
/// [`NewDelivery::tenant_idempotency_key`](crate::NewDelivery::tenant_idempotency_key) use it. Use this function to find a row by
/// its key.
///
/// ```
/// use mailglass::tenant_idempotency_key;
///
/// assert_eq!(tenant_idempotency_key("acme", "welcome:42"), "@4:acme:welcome:42");
/// assert_ne!(tenant_idempotency_key("a:b", "c"), tenant_idempotency_key("a", "b:c"));
/// ```
pub fn tenant_idempotency_key(tenant_id: &str, key: &str) -> String {
    format!("@{}:{tenant_id}:{key}", tenant_id.len())
}

/// The tenant and the rest of a key that carries a tenant. The length may have leading zeros, so that no other tenant can use a
/// key that merely looks the same.
pub(crate) fn tenant_of_key(key: &str) -> Option<(&str, &str)> {
    let (length, rest) = key.strip_prefix('@')?.split_once(':')?;
    let is_number = !length.is_empty() && length.bytes().all(|digit| digit.is_ascii_digit());
    let length: usize = length.parse().ok().filter(|_| is_number)?;
    let (tenant, rest) = rest.split_at_checked(length)?;
    Some((tenant, rest.strip_prefix(':')?))
}

/// A row of a batch that is to be inserted.
pub(crate) trait NewRow {
    /// The primary key.
    fn id(&self) -> Uuid;

    /// Identifies the row within the batch. Two deliveries of a batch may have the same primary key.
    fn row_id(&self) -> Uuid;

    fn idempotency_key(&self) -> Option<&str>;
}

/// The outcome of inserting a row: what the database returned for it, or the row that holds its key.
pub(crate) enum Resolution<I, H> {
    Inserted(I),
    Replayed(H),
    /// The row that holds the key, unless it is another tenant's, and the fields in which the two differ.
    Conflicting(Option<H>, Vec<String>),
}

impl<I, H> Resolution<I, H> {
    /// The outcome for a row whose key is in use, given the row that holds it and the fields that differ.
    pub(crate) fn of_holder(holder: H, differing: Vec<String>) -> Self {
        if differing.is_empty() {
            Resolution::Replayed(holder)
        } else {
            Resolution::Conflicting(Some(holder), differing)
        }
    }

    /// The key belongs to another tenant. Nothing else about that row is told.
    pub(crate) fn of_another_tenant() -> Self {
        Resolution::Conflicting(None, vec!["tenant_id".to_owned()])
    }
}

/// The outcome of inserting a row of a batch that has no conflict.
pub(crate) enum Accepted<I, H> {
    Inserted(I),
    Replayed(H),
}

/// The outcomes of a batch, or the error of its first conflict.
pub(crate) fn all_or_none<R: NewRow, I, H>(
    rows: &[R],
    resolutions: Vec<Resolution<I, H>>,
) -> Result<Vec<Accepted<I, H>>> {
    let outcomes = rows.iter().zip(resolutions).enumerate();
    let outcomes = outcomes.map(|(index, (row, resolution))| match resolution {
        Resolution::Inserted(inserted) => Ok(Accepted::Inserted(inserted)),
        Resolution::Replayed(holder) => Ok(Accepted::Replayed(holder)),
        Resolution::Conflicting(_, fields) => Err(Error::IdempotencyConflict {
            key: IdempotencyKey(row.idempotency_key().unwrap_or_default().to_owned()),
            index,
            fields,
        }),
    });
    outcomes.collect()
}

/// How often a row is inserted again if its conflict has disappeared.
const ATTEMPTS: usize = 10;

/// Inserts the rows of a batch, and returns the outcome of each.
///
/// Conflicts are skipped and read by a second statement. An error inside the first one would abort the batch, and write a line
/// to the server's log for every repeated webhook.
///
/// `insert` inserts the rows without a conflict and returns them by primary key. `resolve` returns, by row id, the outcomes of the
/// skipped rows. It leaves out rows whose conflict has disappeared meanwhile, and they are inserted again. Both get the
/// rows with their positions in the batch.
#[cfg(feature = "postgres")]
pub(crate) fn insert_rows<R: NewRow, I, H>(
    conn: &mut PgConnection,
    rows: &[R],
    mut insert: impl FnMut(&mut PgConnection, &[(usize, &R)]) -> Result<HashMap<Uuid, I>>,
    mut resolve: impl FnMut(&mut PgConnection, &[(usize, &R)]) -> Result<HashMap<Uuid, Resolution<I, H>>>,
) -> Result<Vec<Resolution<I, H>>> {
    let mut resolutions: Vec<Option<Resolution<I, H>>> = rows.iter().map(|_| None).collect();
    for _ in 0..ATTEMPTS {
        let mut inserted = insert(conn, &unresolved(rows, &resolutions))?;
        for (row, resolution) in rows.iter().zip(&mut resolutions) {
            if resolution.is_none() {
                // The first of several rows with one primary key takes it.
                *resolution = inserted.remove(&row.id()).map(Resolution::Inserted);
            }
        }
        let skipped = unresolved(rows, &resolutions);
        if !skipped.is_empty() {
            let mut resolved = resolve(conn, &skipped)?;
            for (row, resolution) in rows.iter().zip(&mut resolutions) {
                if resolution.is_none() {
                    *resolution = resolved.remove(&row.row_id());
                }
            }
        }
        if resolutions.iter().all(Option::is_some) {
            return Ok(resolutions.into_iter().flatten().collect());
        }
    }
    Err(not_serialized(
        "a row of the batch is being inserted and deleted by others",
    ))
}

fn unresolved<'a, R, T>(rows: &'a [R], resolutions: &[Option<T>]) -> Vec<(usize, &'a R)> {
    let rows = rows.iter().enumerate().zip(resolutions);
    rows.filter(|(_, resolution)| resolution.is_none())
        .map(|(row, _)| row)
        .collect()
}

/// A serialization failure that Postgres can't report, because it takes several statements to notice.
pub(crate) fn not_serialized(message: &str) -> Error {
    Error::SerializationFailure(DieselError::DatabaseError(
        DatabaseErrorKind::SerializationFailure,
        Box::new(message.to_owned()),
    ))
}
