//! `mailglass timeline`.

use mailglass::{EventType, NewDelivery, Stream, ledger};
use serde_json::Value;
use uuid::Uuid;

use crate::program::{execute, run};
use test_support::{TENANT, at, connected, event, to};

#[test]
fn a_delivery_is_shown_with_its_events_in_order_and_what_they_decided() {
    let (database, mut conn) = connected();
    let conn = &mut conn;
    let delivery = to("ann@example.com").insert(conn).unwrap().into_delivery();
    let delivery = delivery.mark_dispatched(conn, "ses", "m1", at(1)).unwrap();
    let events = [(EventType::Opened, 9), (EventType::Delivered, 5)];
    let events = events.map(|(event_type, seconds)| event(event_type, seconds).delivery(delivery.id));
    ledger::record(conn, &events).unwrap();

    let id = delivery.id.to_string();
    let answer = run(&database, &["timeline", &id]).exits(0);
    let [facts, events, decisions] = &answer.tables()[..] else {
        panic!("{answer:?}")
    };
    assert!(facts.contains(&vec!["tenant_id", "acme"]));
    let types: Vec<_> = events[1..].iter().map(|row| row[1]).collect();
    assert_eq!(types, ["queued", "dispatched", "delivered", "opened"]);
    let delivered_at = decisions.iter().find(|row| row[0] == "delivered_at").unwrap();
    assert_eq!(
        delivered_at[1..4],
        [
            "2024-10-04T00:00:05.000000Z",
            "2024-10-04T00:00:05.000000Z",
            "delivered"
        ]
    );
    assert_eq!(delivered_at[4], events[3][5], "the event's id");

    let json = run(&database, &["timeline", &id, "--json", "--tenant", "acme"])
        .exits(0)
        .json();
    assert_eq!(json["delivery"]["id"], id.as_str());
    assert_eq!(json["delivery"]["delivered_at"], "2024-10-04T00:00:05.000000Z");
    assert_eq!(json["events"][3]["type"], "opened");
    assert_eq!(json["events"][3]["occurred_at"], "2024-10-04T00:00:09.000000Z");
    let decided = json["decisions"].as_array().unwrap().iter();
    let terminal = decided
        .filter(|decision| decision["column"] == "terminal")
        .collect::<Vec<_>>();
    assert_eq!(terminal[0]["event_id"], json["events"][2]["id"]);
    assert_eq!(json["delivery"]["bounced_at"], Value::Null);
}

#[test]
fn a_value_can_not_break_the_lines_or_the_terminal() {
    let (database, mut conn) = connected();
    let tricky = "a\tb\u{1b}[31m\nc";
    let delivery = NewDelivery::new(TENANT, tricky, Stream::Bulk, "ann@example.com");
    let delivery = delivery.insert(&mut conn).unwrap().into_delivery();
    let answer = run(&database, &["timeline", &delivery.id.to_string()]).exits(0);
    assert!(answer.stdout.contains("mailable\ta\\tb\\u{1b}[31m\\nc\n"), "{answer:?}");
}

#[test]
fn a_column_that_was_changed_by_hand_stands_out() {
    let (database, mut conn) = connected();
    let delivery = to("ann@example.com").insert(&mut conn).unwrap().into_delivery();
    execute(&mut conn, "UPDATE mailglass_deliveries SET terminal = true");
    let answer = run(&database, &["timeline", &delivery.id.to_string()]).exits(0);
    let terminal = answer.tables()[2]
        .iter()
        .find(|row| row[0] == "terminal")
        .unwrap()
        .clone();
    assert_eq!(terminal[1..3], ["true", "false"]);
}

#[test]
fn a_delivery_that_is_not_there_or_is_anothers_is_not_found() {
    let (database, mut conn) = connected();
    let delivery = to("ann@example.com").insert(&mut conn).unwrap().into_delivery();
    run(&database, &["timeline", &Uuid::nil().to_string()])
        .exits(5)
        .says("no delivery");
    let id = delivery.id.to_string();
    run(&database, &["timeline", &id, "--tenant", "other"])
        .exits(5)
        .says("no delivery");
    let error = run(&database, &["timeline", &id, "--tenant", "other", "--json"])
        .exits(5)
        .error();
    assert_eq!(error["code"], "failed");
}
