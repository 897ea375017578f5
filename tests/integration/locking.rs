//! The optimistic lock: every update compares and increments `lock_version`, and tells a stale copy from a deleted row.

use diesel::prelude::*;
use mailglass::schema::mailglass_deliveries;
use mailglass::{Delivery, DeliveryChanges, Error, EventType, ledger};
use serde_json::json;

use crate::support::{at_once, connect, connected, database, delivery, event, insert, reload, to, wrong_fields};

fn changes(campaign: &str) -> DeliveryChanges {
    DeliveryChanges {
        metadata: Some(json!({ "campaign": campaign })),
        ..DeliveryChanges::default()
    }
}

#[test]
fn an_update_returns_the_new_row_and_increments_the_lock_version() {
    let (_database, mut conn) = connected();
    let delivery = delivery(&mut conn);
    assert_eq!(delivery.lock_version, 1);
    let updated = delivery.update(&mut conn, &changes("spring")).unwrap();
    assert_eq!(updated.lock_version, 2);
    assert_eq!(updated.metadata, json!({ "campaign": "spring" }));
    assert!(updated.updated_at > delivery.updated_at);
    assert_eq!(reload(&mut conn, &delivery), updated);
}

#[test]
fn the_second_update_of_two_copies_is_stale_and_reports_both_versions() {
    let (_database, mut conn) = connected();
    let ours = delivery(&mut conn);
    let copy = ours.clone();
    let updated = ours.update(&mut conn, &changes("ours")).unwrap();
    let error = copy.update(&mut conn, &changes("theirs")).unwrap_err();
    let Error::StaleEntry { id, expected, found } = error else {
        panic!("expected Error::StaleEntry, got {error:?}");
    };
    assert_eq!((id, expected, found), (ours.id, 1, 2));
    assert_eq!(reload(&mut conn, &ours), updated);
}

#[test]
fn exactly_one_of_eight_concurrent_updates_of_the_same_copy_succeeds() {
    let database = database();
    let mut conn = connect(&database);
    let delivery = delivery(&mut conn);
    let outcomes = at_once(&database, 8, |worker, conn| {
        delivery.update(conn, &changes(&worker.to_string()))
    });
    let (succeeded, failed): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!((succeeded.len(), failed.len()), (1, 7));
    for error in failed.into_iter().map(Result::unwrap_err) {
        assert!(
            matches!(
                error,
                Error::StaleEntry {
                    expected: 1,
                    found: 2,
                    ..
                }
            ),
            "{error:?}"
        );
    }
}

#[test]
fn a_copy_read_before_an_event_was_projected_is_stale() {
    let (_database, mut conn) = connected();
    let delivery = delivery(&mut conn);
    ledger::record(&mut conn, &[event(EventType::Delivered, 3).delivery(delivery.id)]).unwrap();
    assert!(
        delivery
            .update(&mut conn, &changes("late"))
            .unwrap_err()
            .is_stale_entry()
    );
}

#[test]
fn an_update_of_a_missing_row_is_not_found() {
    let (_database, mut conn) = connected();
    let delivery = delivery(&mut conn);
    diesel::delete(mailglass_deliveries::table).execute(&mut conn).unwrap();
    let error = delivery.update(&mut conn, &changes("gone")).unwrap_err();
    assert!(
        matches!(error, Error::NotFound { record: "delivery", id } if id == delivery.id),
        "{error:?}"
    );
}

#[test]
fn an_update_of_another_tenants_delivery_is_not_found() {
    let (_database, mut conn) = connected();
    let mut forged = delivery(&mut conn);
    forged.tenant_id = "other".to_owned();
    assert!(forged.update(&mut conn, &changes("theft")).unwrap_err().is_not_found());
}

#[test]
fn none_keeps_a_field_and_some_none_clears_it() {
    let (_database, mut conn) = connected();
    let delivery = insert(
        &mut conn,
        &to("ann@example.com").provider("postmark").provider_message_id("m-1"),
    );
    let failed = delivery
        .update(
            &mut conn,
            &DeliveryChanges {
                last_error: Some(Some(json!({ "code": 406 }))),
                ..Default::default()
            },
        )
        .unwrap();
    assert_eq!(failed.provider.as_deref(), Some("postmark"));
    assert_eq!(failed.last_error, Some(json!({ "code": 406 })));
    let cleared = DeliveryChanges {
        last_error: Some(None),
        provider_message_id: Some(None),
        ..Default::default()
    };
    let cleared = failed.update(&mut conn, &cleared).unwrap();
    assert_eq!((cleared.last_error, cleared.provider_message_id), (None, None));
}

#[test]
fn a_change_may_not_leave_a_message_id_without_a_provider() {
    let (_database, mut conn) = connected();
    let delivery = delivery(&mut conn);
    let alone = DeliveryChanges {
        provider_message_id: Some(Some("m-1".to_owned())),
        ..Default::default()
    };
    assert_eq!(
        wrong_fields(&delivery.update(&mut conn, &alone).unwrap_err()),
        ["provider"]
    );
    let both = DeliveryChanges {
        provider: Some(Some("postmark".to_owned())),
        ..alone
    };
    let updated = delivery.update(&mut conn, &both).unwrap();
    let without_provider = DeliveryChanges {
        provider: Some(None),
        ..Default::default()
    };
    assert_eq!(
        wrong_fields(&updated.update(&mut conn, &without_provider).unwrap_err()),
        ["provider"]
    );
}

#[test]
fn a_message_id_of_another_delivery_is_invalid() {
    let (_database, mut conn) = connected();
    to("ann@example.com")
        .provider("postmark")
        .provider_message_id("m-1")
        .insert(&mut conn)
        .unwrap();
    let second = delivery(&mut conn);
    let taken = DeliveryChanges {
        provider: Some(Some("postmark".to_owned())),
        provider_message_id: Some(Some("m-1".to_owned())),
        ..Default::default()
    };
    assert_eq!(
        wrong_fields(&second.update(&mut conn, &taken).unwrap_err()),
        ["provider_message_id"]
    );
    assert_eq!(reload(&mut conn, &second), second);
}

#[test]
fn lock_version_restarts_at_1_after_the_largest_integer() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let at_last_version = |conn: &mut PgConnection| -> Delivery {
        let row = delivery(conn);
        diesel::update(&row)
            .set(mailglass_deliveries::lock_version.eq(i32::MAX))
            .execute(conn)
            .unwrap();
        reload(conn, &row)
    };
    let row = at_last_version(conn);
    assert_eq!(row.update(conn, &DeliveryChanges::default()).unwrap().lock_version, 1);
    let row = at_last_version(conn);
    ledger::record(conn, &[event(EventType::Sent, 1).delivery(row.id)]).unwrap();
    assert_eq!(reload(conn, &row).lock_version, 1);
    assert!(
        row.update(conn, &DeliveryChanges::default())
            .unwrap_err()
            .is_stale_entry()
    );
}
