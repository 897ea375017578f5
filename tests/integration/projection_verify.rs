//! `projection::verify` reports exactly the deliveries whose projection differs from the ledger, and `repair` corrects them.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use mailglass::projection::{self, Projection, fold};
use mailglass::{EventType, ledger};
use proptest::prelude::*;

use crate::support::generate::{delivery_with, facts, for_all};
use crate::support::{TENANT, at, connected, delivery, event, insert, reload, to};

/// Overwrites columns of a delivery.
fn tamper(conn: &mut PgConnection, id: uuid::Uuid, set: &str) {
    let tampered = sql_query(format!("UPDATE mailglass_deliveries SET {set} WHERE id = '{id}'")).execute(conn);
    assert_eq!(tampered, Ok(1));
}

#[test]
fn recorded_events_cause_no_divergence() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let delivery = delivery(conn);
    let delivery = delivery.mark_dispatched(conn, "ses", "m1", at(1)).unwrap();
    ledger::record(
        conn,
        &[
            event(EventType::Delivered, 5).delivery(delivery.id),
            event(EventType::Opened, 3).delivery(delivery.id),
        ],
    )
    .unwrap();
    assert_eq!(projection::verify(conn, TENANT).unwrap(), []);
    assert_eq!(projection::repair(conn, TENANT).unwrap(), 0);
}

#[test]
fn every_overwritten_column_is_reported_and_repaired() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let bystander = insert(conn, &to("bob@example.com"));
    let before = delivery(conn);
    for (column, value, is) in [
        ("last_event_type", "'opened'", Some("opened")),
        (
            "last_event_at",
            "'2020-01-01 12:00:00.000001+00'",
            Some("2020-01-01T12:00:00.000001Z"),
        ),
        ("terminal", "true", Some("true")),
        (
            "dispatched_at",
            "'2020-01-01 00:00+00'",
            Some("2020-01-01T00:00:00.000000Z"),
        ),
        (
            "delivered_at",
            "'2020-01-01 00:00+00'",
            Some("2020-01-01T00:00:00.000000Z"),
        ),
        (
            "bounced_at",
            "'2020-01-01 00:00+00'",
            Some("2020-01-01T00:00:00.000000Z"),
        ),
        (
            "complained_at",
            "'2020-01-01 00:00+00'",
            Some("2020-01-01T00:00:00.000000Z"),
        ),
        (
            "suppressed_at",
            "'2020-01-01 00:00+00'",
            Some("2020-01-01T00:00:00.000000Z"),
        ),
        ("status", "'failed'", Some("failed")),
    ] {
        tamper(conn, before.id, &format!("{column} = {value}"));
        let found = projection::verify(conn, TENANT).unwrap();
        assert_eq!(found.len(), 1, "{column}");
        assert_eq!(found[0].delivery_id, before.id);
        assert_eq!(found[0].expected, Some(Projection::from(&before)));
        let columns = found[0].columns();
        assert_eq!(columns.len(), 1, "{columns:?}");
        assert_eq!((columns[0].column, columns[0].found.as_deref()), (column, is));
        let expected = columns[0].expected.as_deref().unwrap_or("NULL");
        let text = format!(
            "delivery {}; {column} is {}, should be {expected}",
            before.id,
            is.unwrap()
        );
        assert_eq!(found[0].to_string(), text);

        assert_eq!(projection::repair(conn, TENANT).unwrap(), 1);
        assert_eq!(projection::verify(conn, TENANT).unwrap(), []);
        let after = reload(conn, &before);
        assert_eq!(Projection::from(&after), Projection::from(&before), "{column}");
    }
    assert_eq!(
        reload(conn, &bystander),
        bystander,
        "a correct projection is not written"
    );
}

#[test]
fn an_appended_event_causes_a_divergence_until_it_is_repaired() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let delivery = delivery(conn);
    ledger::append(conn, &[event(EventType::Bounced, 9).delivery(delivery.id)]).unwrap();
    let found = projection::verify(conn, TENANT).unwrap();
    let columns: Vec<&str> = found[0].columns().iter().map(|column| column.column).collect();
    assert_eq!(
        columns,
        ["last_event_type", "last_event_at", "terminal", "bounced_at", "status"]
    );
    assert_eq!(projection::repair(conn, TENANT).unwrap(), 1);
    assert_eq!(projection::verify(conn, TENANT).unwrap(), []);
}

#[test]
fn verify_reads_one_tenant() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let ours = delivery(conn);
    tamper(conn, ours.id, "terminal = true");
    assert_eq!(projection::verify(conn, "another").unwrap(), []);
    assert_eq!(projection::repair(conn, "another").unwrap(), 0);
    assert_eq!(projection::verify(conn, TENANT).unwrap().len(), 1);
}

/// For generated events and generated overwritten columns.
#[test]
fn verify_reports_a_delivery_exactly_when_its_projection_is_not_the_fold() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let of_events = facts(0..=6);
    let overwritten = prop::option::of((0..6_i64, 0..6_i64, any::<bool>()));
    for_all(60, (of_events, overwritten), |(facts, overwritten)| {
        let delivery = delivery_with(conn, &facts);
        if let Some((last, bounced, terminal)) = overwritten {
            let (last, bounced) = (at(last).to_rfc3339(), at(bounced).to_rfc3339());
            tamper(
                conn,
                delivery.id,
                &format!("last_event_at = '{last}', bounced_at = '{bounced}', terminal = {terminal}"),
            );
        }
        let row = reload(conn, &delivery);
        let expected = fold(&delivery.timeline(conn).unwrap()).unwrap();
        let found = projection::verify(conn, TENANT).unwrap();
        prop_assert_eq!(found.is_empty(), Projection::from(&row) == expected);
        prop_assert!(
            found
                .iter()
                .all(|divergence| divergence.delivery_id == row.id && divergence.expected == Some(expected))
        );
        prop_assert_eq!(projection::repair(conn, TENANT).unwrap(), found.len());
        prop_assert_eq!(Projection::from(&reload(conn, &delivery)), expected);
        Ok(())
    });
}

#[test]
fn verify_works_in_a_read_only_session() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let delivery = delivery(conn);
    tamper(conn, delivery.id, "terminal = true");
    conn.batch_execute("SET default_transaction_read_only = on").unwrap();
    assert_eq!(projection::verify(conn, TENANT).unwrap().len(), 1);
    assert!(projection::repair(conn, TENANT).is_err());
}
