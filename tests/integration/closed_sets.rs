//! The closed sets: the values and labels in Rust are those of the database, in the same order.

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

/// Checks the labels against the database, and that values survive the conversion to and from Postgres, text and JSON.
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
fn the_labels_are_those_of_the_database_in_the_same_order() {
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

/// The derived `ToSql` writes the label that `as_str` returns.
#[test]
fn values_are_written_as_their_labels() {
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
fn lifecycle_ranks_are_distinct_and_statuses_rank_as_documented() {
    let ranks: HashSet<usize> = EventType::ALL
        .iter()
        .map(|event_type| event_type.lifecycle_rank())
        .collect();
    assert_eq!(ranks.len(), EventType::ALL.len());
    let mut statuses = DeliveryStatus::ALL.to_vec();
    statuses.sort_by_key(|status| status.rank());
    let expected = ["queued", "dispatched", "sent", "failed", "suppressed"];
    let labels: Vec<_> = statuses.iter().map(|status| status.as_str()).collect();
    assert_eq!(labels, expected);
}

#[test]
fn the_documented_table_of_rules_matches_the_code() {
    let mut types = EventType::ALL.to_vec();
    types.sort_by_key(|event_type| event_type.lifecycle_rank());
    let table: String = (types.iter())
        .map(|event_type| {
            let status = event_type.status().map(|status| format!("`{status}`"));
            let terminal = if event_type.is_terminal() { "yes" } else { "" };
            format!("| `{event_type}` | {} | {terminal} |\n", status.unwrap_or_default())
        })
        .collect();
    let documented = include_str!("../../src/projection/rules.md");
    assert_eq!(documented, table, "update src/projection/rules.md to:\n{table}");
}
