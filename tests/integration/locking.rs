//! R13: every update checks and bumps `lock_version`; the loser is told apart from a row that is gone.

use diesel::prelude::*;
use mailglass::schema::mailglass_deliveries;
use mailglass::{DeliveryChanges, Error, EventType, ledger};
use serde_json::json;

use crate::support::{at_once, connect, connected, database, delivery, event, reload, to, wrong_fields};

fn changes(campaign: &str) -> DeliveryChanges {
    DeliveryChanges {
        metadata: Some(json!({ "campaign": campaign })),
        ..DeliveryChanges::default()
    }
}

#[test]
fn an_update_returns_the_new_row_and_bumps_the_lock() {
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
fn of_two_copies_one_wins_and_the_loser_gets_both_versions() {
    let (_database, mut conn) = connected();
    let ours = delivery(&mut conn);
    let copy = ours.clone();
    let won = ours.update(&mut conn, &changes("ours")).unwrap();
    let error = copy.update(&mut conn, &changes("theirs")).unwrap_err();
    let Error::StaleEntry { id, expected, found } = error else {
        panic!("not stale: {error:?}");
    };
    assert_eq!((id, expected, found), (ours.id, 1, 2));
    assert_eq!(reload(&mut conn, &ours), won);
}

#[test]
fn of_eight_connections_with_the_same_copy_exactly_one_wins() {
    let database = database();
    let mut conn = connect(&database);
    let delivery = delivery(&mut conn);
    let outcomes = at_once(&database, 8, |worker, conn| {
        delivery.update(conn, &changes(&worker.to_string()))
    });
    let (won, lost): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 7));
    for error in lost.into_iter().map(Result::unwrap_err) {
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
fn a_copy_from_before_a_webhook_is_stale() {
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
fn an_update_stays_in_the_tenant() {
    let (_database, mut conn) = connected();
    let mut forged = delivery(&mut conn);
    forged.tenant_id = "other".to_owned();
    assert!(forged.update(&mut conn, &changes("theft")).unwrap_err().is_not_found());
}

#[test]
fn what_is_none_stays_and_what_is_some_none_is_cleared() {
    let (_database, mut conn) = connected();
    let delivery = to("ann@example.com")
        .provider("postmark")
        .provider_message_id("m-1")
        .insert(&mut conn)
        .unwrap()
        .into_delivery();
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
fn a_message_id_needs_a_provider_after_the_change_too() {
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
    let orphaned = DeliveryChanges {
        provider: Some(None),
        ..Default::default()
    };
    assert_eq!(
        wrong_fields(&updated.update(&mut conn, &orphaned).unwrap_err()),
        ["provider"]
    );
}

#[test]
fn a_message_id_that_another_delivery_has_is_a_named_error() {
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
