//! A worker that crashes at each point of the time line in `docs/sending.md`: its process is gone, and another one goes on.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use mailglass::outbox::{self, PreviousAttempt, Sent, SentMessage};
use mailglass::schema::mailglass_outbox;
use mailglass::{Delivery, DeliveryStatus, EventType, ledger, projection};
use serde_json::json;
use std::time::Duration;

use super::{begin, claim, claim_one, expire, options, queued, resending, rows, types};
use crate::support::{Database, TENANT, connect, connected, database, event, insert, reload, to, waiting_reasons};

/// Runs a part of a worker's loop, then closes its connection.
fn crash_after<T>(database: &Database, work: impl FnOnce(&mut PgConnection) -> T) -> T {
    work(&mut connect(database))
}

fn is_held(conn: &mut PgConnection, delivery: &Delivery) -> bool {
    let held = outbox::held(conn, &mailglass::tenancy::Tenants::All, 10).unwrap();
    held.iter()
        .any(|held| held.delivery_id == delivery.id && held.may_have_been_sent)
}

#[test]
fn before_the_insert_commits_nothing_is_queued() {
    let (database, mut conn) = connected();
    crash_after(&database, |conn| {
        conn.begin_test_transaction().unwrap();
        queued(conn);
    });
    assert_eq!((rows(&mut conn), claim(&mut conn)), (0, vec![]));
}

#[test]
fn between_claim_and_begin_the_next_claim_knows_that_nothing_was_sent() {
    let (database, mut conn) = connected();
    queued(&mut conn);
    crash_after(&database, claim_one);
    assert_eq!(claim(&mut conn), []); // the lease is still held
    expire(&mut conn);
    assert_eq!(claim_one(&mut conn).previous_attempt(), PreviousAttempt::None);
}

#[test]
fn after_begin_the_delivery_is_held() {
    let (database, mut conn) = connected();
    let delivery = queued(&mut conn);
    crash_after(&database, begin);
    expire(&mut conn);
    assert_eq!(claim(&mut conn), []);
    assert!(is_held(&mut conn, &delivery));
    for _ in 0..3 {
        expire(&mut conn);
        assert_eq!(outbox::claim(&mut conn, &resending()).unwrap(), []);
    }

    // A person decides.
    outbox::resend(&mut conn, TENANT, delivery.id).unwrap();
    let claim = claim_one(&mut conn);
    assert_eq!(
        (claim.previous_attempt(), claim.attempts()),
        (PreviousAttempt::Failed, 1)
    );
    assert_eq!(claim.begin(&mut conn).unwrap().number(), 2);
}

#[test]
fn after_begin_the_delivery_is_claimed_again_if_it_may_be_sent_again() {
    let (database, mut conn) = connected();
    queued(&mut conn);
    crash_after(&database, begin);
    expire(&mut conn);
    let claim = outbox::claim(&mut conn, &resending()).unwrap().remove(0);
    assert_eq!(
        (claim.previous_attempt(), claim.attempts()),
        (PreviousAttempt::Unknown, 1)
    );
    // This worker does not get to its attempt. The earlier one is still unknown.
    claim.release(&mut conn).unwrap();
    let claim = outbox::claim(&mut conn, &resending()).unwrap().remove(0);
    assert_eq!(claim.previous_attempt(), PreviousAttempt::Unknown);
}

/// A message that crashes its worker each time does not do so for ever.
#[test]
fn after_the_last_attempt_the_delivery_is_held_also_if_it_may_be_sent_again() {
    let (database, mut conn) = connected();
    let delivery = queued(&mut conn);
    let options = outbox::ClaimOptions {
        max_attempts: 3,
        ..resending()
    };
    for _ in 0..3 {
        crash_after(&database, |conn| {
            outbox::claim(conn, &options).unwrap().remove(0).begin(conn).unwrap()
        });
        expire(&mut conn);
    }
    assert_eq!(outbox::claim(&mut conn, &options).unwrap(), []);
    assert!(is_held(&mut conn, &delivery));
}

/// The provider has the message, and its webhooks name the delivery: they resolve what the worker left open. Every type of event does
/// that the provider reports about a message.
#[test]
fn an_event_about_the_message_resolves_a_held_delivery() {
    for event_type in EventType::ALL.iter().copied() {
        let is_about_a_list = [EventType::Subscribed, EventType::Unsubscribed].contains(&event_type);
        for is_held_before in [true, false] {
            let (database, mut conn) = connected();
            let delivery = queued(&mut conn);
            crash_after(&database, begin);
            expire(&mut conn);
            if is_held_before {
                assert_eq!(claim(&mut conn), []);
                expire(&mut conn);
            }
            ledger::record(&mut conn, &[event(event_type, 1).delivery(delivery.id)]).unwrap();
            let claimed = outbox::claim(&mut conn, &if is_held_before { options() } else { resending() }).unwrap();
            if is_about_a_list {
                assert_eq!(
                    (claimed.len(), rows(&mut conn)),
                    (usize::from(!is_held_before), 1),
                    "{event_type}"
                );
            } else {
                assert_eq!((claimed.len(), rows(&mut conn)), (0, 0), "{event_type}");
            }
        }
    }
}

/// The provider's answer did not reach the ledger, but its webhook did, and it names the message only.
#[test]
fn a_webhook_that_names_only_the_message_waits_until_the_message_is_known() {
    let (database, mut conn) = connected();
    let delivery = queued(&mut conn);
    crash_after(&database, begin);
    expire(&mut conn);
    let delivered = event(EventType::Delivered, 5).provider_message("resend", "m-1");
    ledger::record(&mut conn, &[delivered]).unwrap();
    // Sent again with the same idempotency key, the provider returns the same message.
    let attempt = outbox::claim(&mut conn, &resending())
        .unwrap()
        .remove(0)
        .begin(&mut conn)
        .unwrap();
    // The event is linked in the same statement.
    let sent = attempt.sent(&mut conn, "resend", "m-1").unwrap().into_delivery();
    assert_eq!(
        (sent.status, &sent),
        (DeliveryStatus::Sent, &reload(&mut conn, &delivery))
    );
    assert_eq!(types(&mut conn, &delivery).len(), 3);
    assert!(projection::verify(&mut conn, TENANT).unwrap().is_empty());
}

/// The server committed, and the worker did not hear of it.
#[test]
fn after_the_commit_a_repeated_call_is_a_replay() {
    let (_database, mut conn) = connected();
    let delivery = queued(&mut conn);
    let attempt = begin(&mut conn);
    let first = attempt.sent(&mut conn, "ses", "m-1").unwrap();
    let second = attempt.sent(&mut conn, "ses", "m-1").unwrap();
    assert_eq!((&first, types(&mut conn, &delivery).len()), (&second, 2));
}

/// A worker was slow, and another one sent the message as well, with the same idempotency key.
#[test]
fn two_workers_with_one_message_record_it_once() {
    let (_database, mut conn) = connected();
    let delivery = queued(&mut conn);
    let slow = begin(&mut conn);
    expire(&mut conn);
    let fast = outbox::claim(&mut conn, &resending())
        .unwrap()
        .remove(0)
        .begin(&mut conn)
        .unwrap();
    assert!(matches!(
        fast.sent(&mut conn, "resend", "m-1").unwrap(),
        Sent::Recorded(_)
    ));
    assert!(matches!(
        slow.sent(&mut conn, "resend", "m-1").unwrap(),
        Sent::Recorded(_)
    ));
    assert_eq!(types(&mut conn, &delivery), [EventType::Queued, EventType::Dispatched]);
}

/// A worker was slow, and the message was sent twice. Both messages are in the ledger, and the delivery keeps the first.
#[test]
fn two_workers_with_two_messages_are_told_and_nothing_is_lost() {
    let (_database, mut conn) = connected();
    let delivery = queued(&mut conn);
    let slow = begin(&mut conn);
    expire(&mut conn);
    let fast = outbox::claim(&mut conn, &resending())
        .unwrap()
        .remove(0)
        .begin(&mut conn)
        .unwrap();
    // The slow worker is told that it is late, and ends the delivery: the message was sent.
    let Sent::LeaseLost(sent) = slow.sent(&mut conn, "ses", "m-1").unwrap() else {
        panic!()
    };
    assert_eq!((sent.status, rows(&mut conn)), (DeliveryStatus::Dispatched, 0));
    let Sent::LeaseLost(again) = fast.sent(&mut conn, "ses", "m-2").unwrap() else {
        panic!()
    };
    assert_eq!(again.provider_message_id.as_deref(), Some("m-1"));
    let messages: Vec<_> = delivery
        .timeline(&mut conn)
        .unwrap()
        .into_iter()
        .skip(1)
        .map(|event| event.metadata)
        .collect();
    assert_eq!(
        messages,
        ["m-1", "m-2"].map(|id| json!({ "provider": "ses", "provider_message_id": id }))
    );
    assert!(projection::verify(&mut conn, TENANT).unwrap().is_empty());
}

/// A lost lease with no attempt begun: the late message ends the delivery before the other worker begins.
#[test]
fn a_message_that_is_reported_late_prevents_a_second_one() {
    let (_database, mut conn) = connected();
    queued(&mut conn);
    let slow = begin(&mut conn);
    expire(&mut conn);
    let other = outbox::claim(&mut conn, &resending()).unwrap().remove(0);
    assert!(matches!(
        slow.sent(&mut conn, "ses", "m-1").unwrap(),
        Sent::LeaseLost(_)
    ));
    assert!(other.begin(&mut conn).unwrap_err().is_lease_lost());
}

/// A person holds a delivery whose worker is sending. The worker's report ends it.
#[test]
fn a_held_delivery_that_its_worker_sends_leaves_the_outbox() {
    let (_database, mut conn) = connected();
    let delivery = queued(&mut conn);
    let attempt = begin(&mut conn);
    outbox::hold(&mut conn, TENANT, delivery.id).unwrap();
    assert!(is_held(&mut conn, &delivery));
    assert!(
        attempt
            .retry(&mut conn, json!({}), Duration::ZERO)
            .unwrap_err()
            .is_lease_lost()
    );
    assert!(matches!(
        attempt.sent(&mut conn, "ses", "m-1").unwrap(),
        Sent::LeaseLost(_)
    ));
    assert_eq!(rows(&mut conn), 0);
}

/// Two claims at the same time, and a claim while another transaction has locked the row.
#[test]
fn a_row_that_another_claim_has_locked_is_skipped() {
    let database = database();
    let (mut one, mut two) = (connect(&database), connect(&database));
    insert(&mut one, &to("a@x.org").send());
    insert(&mut one, &to("b@x.org").send());
    let single = outbox::ClaimOptions { limit: 1, ..options() };
    one.transaction::<(), mailglass::Error, _>(|one| {
        let first = outbox::claim(one, &single)?;
        let second = outbox::claim(&mut two, &options())?;
        assert_eq!((first.len(), second.len()), (1, 1));
        assert_ne!(first[0].delivery().id, second[0].delivery().id);
        Err(diesel::result::Error::RollbackTransaction.into())
    })
    .unwrap_err();
    // The claim that was rolled back leased nothing.
    assert_eq!(claim(&mut two).len(), 1);
    let leases: i64 = mailglass_outbox::table
        .filter(mailglass_outbox::lease_id.is_not_null())
        .count()
        .get_result(&mut two)
        .unwrap();
    assert_eq!(leases, 2);
}

/// Two deliveries of one message, recorded in one batch: an event that names only the message fits both.
#[test]
fn an_early_event_that_fits_two_messages_of_a_batch_is_left_to_the_sweep() {
    let (_database, mut conn) = connected();
    ledger::record(
        &mut conn,
        &[
            event(EventType::Delivered, 1).provider_message("ses", "m-1"),
            event(EventType::Delivered, 2)
                .provider_message("ses", "m-1")
                .recipient("BOB@x.org"),
        ],
    )
    .unwrap();
    for recipient in ["ann@x.org", "bob@x.org"] {
        insert(&mut conn, &to(recipient).send());
    }
    let claims = claim(&mut conn);
    let messages: Vec<SentMessage> = outbox::begin_all(&mut conn, &claims)
        .unwrap()
        .into_iter()
        .map(|attempt| SentMessage {
            attempt,
            provider: "ses".to_owned(),
            provider_message_id: "m-1".to_owned(),
        })
        .collect();
    let sent = outbox::sent_all(&mut conn, &messages).unwrap();
    let statuses: Vec<_> = sent.iter().map(|sent| sent.delivery().status).collect();
    assert_eq!(statuses, [DeliveryStatus::Dispatched, DeliveryStatus::Sent]);
    assert_eq!(waiting_reasons(&mut conn), ["no_delivery"]);
}

/// A trigger of the application rejects what an early event projects. The message was sent, and is recorded.
#[test]
fn an_early_event_that_the_database_rejects_does_not_reject_the_message() {
    let (_database, mut conn) = connected();
    conn.batch_execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no''; END';
         CREATE TRIGGER refuse BEFORE UPDATE ON mailglass_deliveries
             FOR EACH ROW WHEN (NEW.delivered_at IS NOT NULL) EXECUTE FUNCTION refuse();",
    )
    .unwrap();
    let early = event(EventType::Delivered, 1).provider_message("ses", "m-1");
    ledger::record(&mut conn, &[early]).unwrap();
    queued(&mut conn);
    let attempt = begin(&mut conn);
    conn.transaction::<_, mailglass::Error, _>(|conn| {
        let sent = attempt.sent(conn, "ses", "m-1")?;
        assert_eq!(sent.delivery().status, DeliveryStatus::Dispatched);
        Ok(())
    })
    .unwrap();
    assert_eq!(waiting_reasons(&mut conn), ["no_delivery"]);
}
