//! Documents that are too large are refused by name before anything is sent, and what is accepted is read back unchanged.

use mailglass::ledger;
use mailglass::{DeliveryChanges, EventType, MAX_JSON_BYTES, MAX_JSON_DEPTH, MAX_JSON_MEMBERS, NewEvent};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::support::{
    connected, count_events, delivery, event, generate, insert, record_one, reload, to, wrong_fields,
};

fn too_large() -> [(&'static str, Value); 6] {
    let keys: Map<String, Value> = (0..100_000).map(|number| (number.to_string(), Value::Null)).collect();
    let deep = (0..MAX_JSON_DEPTH).fold(json!({}), |inner, _| json!({ "in": [inner] }));
    [
        ("1 MB in one text", json!({ "text": "x".repeat(1_000_000) })),
        ("1 MB in a key", json!({ "x".repeat(1_000_000): 1 })),
        ("1 MB in many texts", json!({ "texts": vec!["x".repeat(1_000); 1_000] })),
        ("100,000 keys", Value::Object(keys)),
        ("100,000 items", json!({ "items": vec![0; 100_000] })),
        ("254 levels", deep),
    ]
}

#[test]
fn a_document_that_is_too_large_is_refused_in_every_field() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let delivery = delivery(conn);
    let events = count_events(conn);
    for (name, document) in too_large() {
        let refused = |result: mailglass::Result<()>| {
            let error = result.unwrap_err();
            assert!(error.to_string().len() < 200, "{name}: {error}");
            wrong_fields(&error).join(" ")
        };
        let metadata = event(EventType::Opened, 1).metadata(document.clone());
        let payload = event(EventType::Opened, 1).normalized_payload(document.clone());
        assert_eq!(
            refused(ledger::record(conn, std::slice::from_ref(&metadata)).map(drop)),
            "metadata",
            "{name}"
        );
        assert_eq!(
            refused(ledger::record_each(conn, std::slice::from_ref(&payload)).map(drop)),
            "normalized_payload",
            "{name}"
        );
        assert_eq!(
            refused(ledger::append(conn, &[payload, metadata]).map(drop)),
            "normalized_payload metadata",
            "{name}"
        );
        let new = to("ann@example.com").metadata(document.clone());
        assert_eq!(refused(new.insert(conn).map(drop)), "metadata", "{name}");
        let attributes = json!({
            "tenant_id": "acme", "type": "opened", "occurred_at": "2026-01-01T00:00:00Z", "metadata": document,
        });
        assert_eq!(
            refused(NewEvent::from_attrs(attributes).map(drop)),
            "metadata",
            "{name}"
        );
        let changes = DeliveryChanges {
            metadata: Some(document.clone()),
            last_error: Some(Some(document.clone())),
            ..DeliveryChanges::default()
        };
        assert_eq!(
            refused(delivery.update(conn, &changes).map(drop)),
            "metadata last_error",
            "{name}"
        );
        let failed = delivery.mark_failed(conn, document, crate::support::at(1));
        assert_eq!(refused(failed.map(drop)), "last_error", "{name}");
    }
    assert_eq!((reload(conn, &delivery), count_events(conn)), (delivery, events));
}

#[test]
fn documents_at_the_limits_are_stored_and_read_back() {
    let (_database, mut conn) = connected();
    let long = json!({ "text": "x".repeat(MAX_JSON_BYTES - 20) });
    let members: Map<String, Value> = (0..MAX_JSON_MEMBERS)
        .map(|number| (number.to_string(), json!([])))
        .collect();
    for document in [long, Value::Object(members)] {
        let recorded = record_one(
            &mut conn,
            event(EventType::Opened, 1)
                .metadata(document.clone())
                .normalized_payload(document.clone()),
        );
        assert_eq!(
            (&recorded.metadata, &recorded.normalized_payload),
            (&document, &document)
        );
        let inserted = insert(&mut conn, &to("ann@example.com").metadata(document.clone()));
        assert_eq!(reload(&mut conn, &inserted).metadata, document);
    }
}

fn documents() -> impl Strategy<Value = Value> {
    let text = || "[a-c\"\\\\\u{1}\u{1f}\u{7f}\u{e9}\u{2028}\u{feff}\u{10ffff}\u{0}]{0,5}";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    let inner = leaf.prop_recursive(130, 140, 3, move |inner| {
        prop_oneof![
            3 => inner.clone().prop_map(|inner| json!([inner])),
            1 => prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            1 => prop::collection::btree_map(text(), inner, 0..3).prop_map(|members| json!(members)),
        ]
    });
    inner.prop_map(|inner| json!({ "in": inner }))
}

#[test]
fn what_is_accepted_is_stored_and_read_back_unchanged() {
    let (_database, mut conn) = connected();
    generate::for_all(150, documents(), |document| {
        let new = event(EventType::Opened, 1).normalized_payload(document.clone());
        let is_valid = new.validate().is_ok();
        let recorded = ledger::record(&mut conn, &[new]);
        prop_assert_eq!(is_valid, recorded.is_ok());
        if let Ok(recorded) = recorded {
            prop_assert_eq!(&recorded[0].event().normalized_payload, &document);
            let stored: Value = {
                use diesel::prelude::*;
                use mailglass::schema::mailglass_events::dsl::{mailglass_events, normalized_payload};
                mailglass_events
                    .find(recorded[0].event().id)
                    .select(normalized_payload)
                    .first(&mut conn)
                    .unwrap()
            };
            prop_assert_eq!(stored, document);
        }
        Ok(())
    });
}
