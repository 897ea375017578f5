//! The ledger's statements, put together from their parts.

use std::sync::LazyLock;

use diesel::sql_types::{Array, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};

use crate::batch::BatchStatement;
use crate::projection::sql::{FOLD, JOIN_AND_WRITE};
use crate::schema::mailglass_events;

/// `wanted` → `resolved`: the delivery that an event is about. The reconciler asks the same question again later.
pub(crate) const RESOLVE: &str = include_str!("resolve.sql");

/// The columns of a [`Landed`](super::columns::Landed).
pub(super) type LandedSqlType = (SqlUuid, Nullable<SqlUuid>, Bool, Timestamptz);

/// Appends.
pub(super) struct Append;

/// Appends and projects.
pub(super) struct Record;

/// Reads the events that were there first.
pub(super) struct Replays;

static APPEND: LazyLock<String> = LazyLock::new(|| statement(&[&parts()]));

static RECORD: LazyLock<String> =
    LazyLock::new(|| statement(&[&parts(), include_str!("facts.sql"), &FOLD, &JOIN_AND_WRITE]));

fn parts() -> String {
    include_str!("append.sql").replace(":resolve", RESOLVE)
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
