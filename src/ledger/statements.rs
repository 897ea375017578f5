//! The ledger's statements, put together from their parts.

use std::sync::LazyLock;

use diesel::sql_types::{Array, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};

use crate::batch::BatchStatement;
use crate::projection::sql::{FOLD, JOIN_AND_WRITE};
use crate::schema::mailglass_events;

/// `wanted` → `resolved`: the delivery that an event is about. The reconciler asks the same question again later.
/// It locks the delivery, for whoever projects.
pub(crate) static RESOLVE: LazyLock<String> = LazyLock::new(|| resolve("FOR NO KEY UPDATE"));

/// Without a lock, `OFFSET 0` keeps the look-up a LATERAL by id.
fn resolve(lock: &str) -> String {
    include_str!("resolve.sql").trim_end().replace(":lock", lock)
}

/// The columns of a [`Landed`](super::columns::Landed).
pub(super) type LandedSqlType = (SqlUuid, Nullable<SqlUuid>, Bool, Timestamptz);

/// Appends.
pub(super) struct Append;

/// Appends and projects.
pub(super) struct Record;

/// Reads the events that were there first.
pub(super) struct Replays;

static APPEND: LazyLock<String> = LazyLock::new(|| statement(&[&parts(&resolve("OFFSET 0"))]));

static RECORD: LazyLock<String> =
    LazyLock::new(|| statement(&[&parts(&RESOLVE), include_str!("facts.sql"), &FOLD, &JOIN_AND_WRITE]));

fn parts(resolve: &str) -> String {
    include_str!("append.sql").replace(":resolve", resolve)
}

fn statement(ctes: &[&str]) -> String {
    format!("WITH {}{}", ctes.join(",\n"), include_str!("recorded.sql"))
}

impl BatchStatement for Append {
    type SqlType = LandedSqlType;

    fn sql() -> &'static str {
        &APPEND
    }
}

impl BatchStatement for Record {
    type SqlType = LandedSqlType;

    fn sql() -> &'static str {
        &RECORD
    }
}

impl BatchStatement for Replays {
    type SqlType = (mailglass_events::SqlType, SqlUuid, Array<Text>);

    fn sql() -> &'static str {
        include_str!("replays.sql")
    }
}
