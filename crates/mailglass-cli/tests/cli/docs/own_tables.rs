//! Tables of an application: they are documented beside mailglass's own, and missing notes are reported.

use diesel::connection::SimpleConnection;

use super::{docs, schema_after};
use crate::folder::Folder;
use test_support::connected;

/// Tables of an application, with a note on each object.
const ORDERS: &str = "
    CREATE TYPE state AS ENUM ('open', 'paid');
    COMMENT ON TYPE state IS E'How far an order is.\nopen: money is due\npaid: nothing more to come';
    CREATE DOMAIN cents AS bigint CHECK (VALUE >= 0);
    COMMENT ON DOMAIN cents IS 'Money.';
    CREATE TABLE orders (
        \"No\" integer PRIMARY KEY,
        state state NOT NULL,
        price cents NOT NULL,
        welcome uuid REFERENCES mailglass_deliveries ON DELETE SET NULL
    );
    CREATE INDEX orders_idx ON orders (state);
    CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER stamp BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION stamp();
    CREATE VIEW open_orders AS SELECT \"No\" FROM orders WHERE state = 'open';
    COMMENT ON TABLE orders IS 'What was bought.';
    COMMENT ON COLUMN orders.\"No\" IS 'As on the invoice.';
    COMMENT ON COLUMN orders.state IS 'How far it is.';
    COMMENT ON COLUMN orders.price IS 'What it costs.';
    COMMENT ON COLUMN orders.welcome IS 'The message that confirmed it.';
    COMMENT ON INDEX orders_idx IS 'What is open.';
    COMMENT ON FUNCTION stamp() IS 'Stamps.';
    COMMENT ON TRIGGER stamp ON orders IS 'Stamps each.';
    COMMENT ON VIEW open_orders IS 'What is to be done.';
    COMMENT ON COLUMN open_orders.\"No\" IS 'As on the invoice.';
";

/// For each kind of object: a statement that removes its note, and the object that is then reported.
#[test]
fn what_has_no_note_fails_the_check_and_is_told_how_to_get_one() {
    let cases = [
        ("COMMENT ON TABLE orders IS NULL", "table orders"),
        ("COMMENT ON COLUMN orders.\"No\" IS NULL", "column orders.\"No\""),
        ("COMMENT ON INDEX orders_idx IS NULL", "index orders_idx"),
        ("COMMENT ON TRIGGER stamp ON orders IS NULL", "trigger stamp ON orders"),
        ("COMMENT ON FUNCTION stamp() IS NULL", "function stamp()"),
        ("COMMENT ON TYPE state IS 'paid: done'", "label state.open"),
        ("COMMENT ON DOMAIN cents IS NULL", "domain cents"),
        ("COMMENT ON VIEW open_orders IS NULL", "view open_orders"),
        ("COMMENT ON TABLE mailglass_events IS NULL", "table mailglass_events"),
        (
            "COMMENT ON TRIGGER mailglass_events_immutable_trigger ON mailglass_events IS NULL",
            "trigger mailglass_events_immutable_trigger ON mailglass_events",
        ),
        ("CREATE INDEX mine ON mailglass_events (trace_id)", "index mine"),
    ];
    let out = Folder::new();
    let tables = ["--tables", "mailglass_*,orders,open_*"];
    let check = [&tables[..], &["--check", "--json"]].concat();
    for (sql, object) in [("SELECT", "")].iter().chain(&cases) {
        let (database, mut conn) = connected();
        conn.batch_execute(ORDERS).unwrap();
        conn.batch_execute(sql).unwrap();
        // The files are current, so only the missing note fails the check.
        docs(&database, out.path(), &tables).exits(0);
        let ran = docs(&database, out.path(), &check);
        let json = ran.json();
        let missing = json["missing_notes"].as_array().unwrap();
        if object.is_empty() {
            assert_eq!((ran.code, missing.len()), (0, 0), "{}", ran.stdout);
            continue;
        }
        assert_eq!((ran.code, missing.len()), (1, 1), "{object}: {missing:?}");
        assert_eq!(missing[0]["object"], *object);
        assert!(missing[0]["help"].as_str().unwrap().starts_with("COMMENT ON "));
        let passes = [&check[..], &["--allow-missing-notes"]].concat();
        docs(&database, out.path(), &passes).exits(0);
    }
}

#[test]
fn an_application_documents_its_tables_beside_ours() {
    let json = schema_after(ORDERS, &["--tables", "mailglass_*,orders", "--title", "The shop"]);
    assert_eq!(json["title"], "The shop");
    let relations: Vec<&str> = json["relations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["name"].as_str().unwrap())
        .collect();
    let ours = [
        "mailglass_deliveries",
        "mailglass_erasures",
        "mailglass_event_details",
        "mailglass_event_links",
        "mailglass_events",
        "mailglass_outbox",
        "mailglass_outbox_usage",
        "mailglass_suppressions",
    ];
    assert_eq!(relations, [&ours[..], &["orders"]].concat());
    let orders = &json["relations"][ours.len()];
    let reference = &orders["references"][0];
    assert_eq!(reference["constraint"], "orders_welcome_fkey");
    assert_eq!(reference["to"]["name"], "mailglass_deliveries");
    assert_eq!(reference["on_delete"], "SET NULL");
    let state = json["enums"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["name"] == "state")
        .unwrap();
    assert_eq!(state["labels"][1]["meaning"], "nothing more to come");
    // Columns of an application have no facts.
    assert!(
        orders["columns"]
            .as_array()
            .unwrap()
            .iter()
            .all(|column| column["known"].is_null())
    );
}
