//! `mailglass erase` and `mailglass export`.

use mailglass::{EventDetails, EventType, ledger};
use serde_json::json;

use crate::program::run;
use test_support::{connected, event, insert, reload, to};

#[test]
fn a_person_is_exported_and_then_erased() {
    let (database, mut conn) = connected();
    let conn = &mut conn;
    let delivery = insert(
        conn,
        &to("Ann@example.com").metadata(json!({ "to": "ann@example.com" })),
    );
    insert(conn, &to("bob@example.com"));
    let clicked = event(EventType::Clicked, 1)
        .delivery(delivery.id)
        .details(EventDetails {
            user_agent: Some("Mozilla/5.0".to_owned()),
            ..EventDetails::default()
        });
    ledger::record(conn, &[clicked]).unwrap();

    let export = run(&database, &["export", "acme", "ann@example.com"]).exits(0).json();
    assert_eq!(export["deliveries"].as_array().unwrap().len(), 1);
    assert_eq!(export["deliveries"][0]["id"], delivery.id.to_string());
    assert_eq!(
        export["deliveries"][0]["events"][1]["details"]["user_agent"],
        "Mozilla/5.0"
    );

    let answer = run(&database, &["erase", "acme", "ann@example.com", "--keep-domain"]).exits(0);
    let [counts, mentions] = &answer.tables()[..] else {
        panic!("{answer:?}")
    };
    assert_eq!(
        counts[1..],
        [
            ["deliveries", "1"],
            ["event_details", "1"],
            ["event_links", "0"],
            ["suppressions", "0"]
        ]
    );
    let id = delivery.id.to_string();
    assert_eq!(mentions[1..], [["mailglass_deliveries", &id, "metadata"]]);
    assert_eq!(reload(conn, &delivery).recipient_domain, "example.com");

    let again = run(&database, &["erase", "acme", "ann@example.com", "--json"])
        .exits(0)
        .json();
    assert_eq!(
        (&again["erasure"]["deliveries"], &again["mentions"]),
        (&json!(0), &json!([]))
    );
    let export = run(&database, &["export", "acme", "ann@example.com"]).exits(0).json();
    assert_eq!(export["deliveries"], json!([]));
}

#[test]
fn a_blank_tenant_or_address_is_rejected() {
    let (database, _) = connected();
    for command in ["erase", "export"] {
        run(&database, &[command, "", "ann@example.com"])
            .exits(5)
            .says("tenant_id");
        run(&database, &[command, "acme", " "]).exits(5).says("recipient");
        run(&database, &[command, "acme"]).exits(2);
    }
}
