//! The closed sets: Rust's values and labels are those of the database, in its order.

use std::collections::HashSet;
use std::fmt::{Debug, Display};
use std::str::FromStr;

use diesel::deserialize::FromSqlRow;
use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, HasSqlType, SingleValue, Text};
use mailglass::schema::sql_types::{
    MailglassDeliveryStatus, MailglassEventType, MailglassRejectReason, MailglassStream,
};
use mailglass::{DeliveryStatus, EventType, RejectReason, Stream, UnknownLabel};
use serde::{Serialize, de::DeserializeOwned};

use crate::support::connected;

/// Through Postgres and back, through text, through JSON.
fn assert_set<SqlType, T>(conn: &mut PgConnection, pg_type: &str, all: &[T], labels: &[&str])
where
    SqlType: diesel::sql_types::SqlType + SingleValue + 'static,
    Pg: HasSqlType<SqlType>,
    T: Copy + Debug + PartialEq + Display + FromStr<Err = UnknownLabel> + Serialize + DeserializeOwned + 'static,
    Vec<T>: FromSqlRow<Array<SqlType>, Pg>,
{
    let range = format!("enum_range(NULL::{pg_type})");
    let in_database: Vec<String> = diesel::select(sql::<Array<Text>>(&format!("{range}::text[]")))
        .get_result(conn)
        .unwrap();
    assert_eq!(in_database, labels);
    let read: Vec<T> = diesel::select(sql::<Array<SqlType>>(&range)).get_result(conn).unwrap();
    assert_eq!(read, all);
    for (value, label) in all.iter().zip(labels) {
        assert_eq!(value.to_string(), *label);
        assert_eq!(label.parse::<T>().as_ref(), Ok(value));
        assert_eq!(serde_json::to_value(value).unwrap(), *label);
        assert_eq!(serde_json::from_value::<T>((*label).into()).unwrap(), *value);
    }
    for unknown in ["", "nothing", "Queued", " sent"] {
        let error = unknown.parse::<T>().unwrap_err();
        assert_eq!((error.label.as_str(), error.known), (unknown, labels));
        assert!(serde_json::from_value::<T>(unknown.into()).is_err());
    }
}

#[test]
fn the_sets_are_the_databases_in_its_order() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    assert_set::<MailglassStream, _>(conn, "mailglass_stream", Stream::ALL, Stream::LABELS);
    assert_set::<MailglassEventType, _>(conn, "mailglass_event_type", EventType::ALL, EventType::LABELS);
    assert_set::<MailglassRejectReason, _>(conn, "mailglass_reject_reason", RejectReason::ALL, RejectReason::LABELS);
    assert_set::<MailglassDeliveryStatus, _>(
        conn,
        "mailglass_delivery_status",
        DeliveryStatus::ALL,
        DeliveryStatus::LABELS,
    );
}

/// What the derive sends to Postgres is what `as_str` says.
#[test]
fn values_are_written_under_their_labels() {
    let (_database, mut conn) = connected();
    for value in EventType::ALL {
        let written = diesel::select(
            value
                .into_sql::<MailglassEventType>()
                .eq(sql::<MailglassEventType>(&format!(
                    "'{}'::mailglass_event_type",
                    value.as_str()
                ))),
        );
        assert!(written.get_result::<bool>(&mut conn).unwrap());
    }
}

#[test]
fn ranks_are_total_and_statuses_rank_as_designed() {
    let ranks: HashSet<usize> = EventType::ALL.iter().map(|it| it.lifecycle_rank()).collect();
    assert_eq!(ranks.len(), EventType::ALL.len());
    let mut statuses = DeliveryStatus::ALL.to_vec();
    statuses.sort_by_key(|it| it.rank());
    let expected = ["queued", "dispatched", "sent", "failed", "suppressed"];
    assert_eq!(statuses.iter().map(|it| it.as_str()).collect::<Vec<_>>(), expected);
}

#[test]
fn the_table_in_the_docs_is_the_one_that_the_code_uses() {
    let mut types = EventType::ALL.to_vec();
    types.sort_by_key(|it| it.lifecycle_rank());
    let table: String = (types.iter())
        .map(|it| {
            let status = it.status().map(|status| format!("`{status}`")).unwrap_or_default();
            format!(
                "| `{it}` | {status} | {} |\n",
                if it.is_terminal() { "yes" } else { "" }
            )
        })
        .collect();
    let documented = include_str!("../../src/projection/rules.md");
    assert_eq!(documented, table, "write src/projection/rules.md anew:\n{table}");
}
