//! The outbox: what is claimed, and how each claim ends.

mod crashes;
mod fairness;
mod limits;
mod operators;
mod plans;
mod properties;
mod roles;
mod suppressed;
mod waiting;

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_query;
use mailglass::outbox::{
    self, Attempt, Claim, ClaimOptions, PreviousAttempt, Retry, Sent, SentMessage, UnknownAttempts,
};
use mailglass::schema::mailglass_outbox;
use mailglass::{Delivery, DeliveryStatus, EventType, NewDelivery, RejectReason, Stream};
use serde_json::json;

use crate::support::{TENANT, at, connect, connected, database, insert, reload, to, wrong_fields};

fn options() -> ClaimOptions {
    ClaimOptions::all_tenants("worker")
}

/// Options that claim again what may have been sent.
fn resending() -> ClaimOptions {
    ClaimOptions {
        unknown_attempts: UnknownAttempts::Resend,
        ..options()
    }
}

fn claim(conn: &mut PgConnection) -> Vec<Claim> {
    outbox::claim(conn, &options()).unwrap()
}

fn claim_one(conn: &mut PgConnection) -> Claim {
    let mut claims = claim(conn);
    assert_eq!(claims.len(), 1);
    claims.remove(0)
}

fn begin(conn: &mut PgConnection) -> Attempt {
    claim_one(conn).begin(conn).unwrap()
}

fn queued(conn: &mut PgConnection) -> Delivery {
    insert(conn, &to("ann@example.com").send())
}

/// Lets every lease expire, and every pause end.
fn expire(conn: &mut PgConnection) {
    sql_query("UPDATE mailglass_outbox SET available_at = now() - interval '1 second'")
        .execute(conn)
        .unwrap();
}

fn rows(conn: &mut PgConnection) -> i64 {
    mailglass_outbox::table.count().get_result(conn).unwrap()
}

fn types(conn: &mut PgConnection, delivery: &Delivery) -> Vec<EventType> {
    delivery
        .timeline(conn)
        .unwrap()
        .iter()
        .map(|event| event.type_)
        .collect()
}

#[test]
fn a_delivery_that_is_only_tracked_is_not_claimed() {
    let (_database, mut conn) = connected();
    insert(&mut conn, &to("ann@example.com"));
    assert_eq!(rows(&mut conn), 0);
    assert_eq!(claim(&mut conn), []);
}

#[test]
fn a_delivery_is_claimed_once_and_sent_once() {
    let (_database, mut conn) = connected();
    let delivery = queued(&mut conn);
    let claim = claim_one(&mut conn);
    assert_eq!(claim.delivery(), &delivery);
    assert_eq!((claim.attempts(), claim.previous_attempt()), (0, PreviousAttempt::None));
    assert_eq!(outbox::claim(&mut conn, &options()).unwrap(), []);

    let attempt = claim.begin(&mut conn).unwrap();
    assert_eq!(attempt.number(), 1);
    let Sent::Recorded(sent) = attempt.sent(&mut conn, "postmark", "m-1").unwrap() else {
        panic!()
    };
    assert_eq!(sent, reload(&mut conn, &delivery));
    assert_eq!(sent.status, DeliveryStatus::Dispatched);
    assert_eq!(sent.dispatched_at, Some(attempt.begun_at()));
    assert_eq!(
        (sent.provider.as_deref(), sent.provider_message_id.as_deref()),
        (Some("postmark"), Some("m-1"))
    );
    assert_eq!(types(&mut conn, &delivery), [EventType::Queued, EventType::Dispatched]);
    assert_eq!(rows(&mut conn), 0);
    assert!(mailglass::projection::verify(&mut conn, TENANT).unwrap().is_empty());
}

#[test]
fn a_replay_puts_nothing_into_the_outbox() {
    let (_database, mut conn) = connected();
    let new = to("ann@example.com").idempotency_key("k").send();
    insert(&mut conn, &new);
    begin(&mut conn).sent(&mut conn, "postmark", "m-1").unwrap();
    assert!(new.insert(&mut conn).unwrap().is_replay());
    assert_eq!(rows(&mut conn), 0);
}

#[test]
fn a_batch_may_have_deliveries_that_are_only_tracked() {
    let (_database, mut conn) = connected();
    let later = chrono::Utc::now() + Duration::from_secs(3_600);
    let batch = [to("a@x.org").send(), to("b@x.org"), to("c@x.org").send_at(later)];
    NewDelivery::insert_all(&mut conn, &batch).unwrap();
    assert_eq!(rows(&mut conn), 2);
    assert_eq!(claim_one(&mut conn).delivery().recipient, "a@x.org");
}

#[test]
fn a_delivery_is_not_claimed_before_its_time() {
    let (_database, mut conn) = connected();
    let now = chrono::Utc::now();
    insert(&mut conn, &to("later@x.org").send_at(now + Duration::from_secs(3_600)));
    insert(&mut conn, &to("earlier@x.org").send_at(now - Duration::from_secs(1)));
    assert_eq!(claim_one(&mut conn).delivery().recipient, "earlier@x.org");
}

#[test]
fn a_delivery_is_not_visible_to_workers_before_its_transaction_commits() {
    let database = database();
    let (mut conn, mut worker) = (connect(&database), connect(&database));
    conn.transaction::<_, mailglass::Error, _>(|conn| {
        queued(conn);
        assert_eq!(claim(&mut worker), []);
        Ok(())
    })
    .unwrap();
    assert_eq!(claim(&mut worker).len(), 1);
}

#[test]
fn wrong_options_are_reported_at_once() {
    let (_database, mut conn) = connected();
    let wrong = ClaimOptions {
        worker: String::new(),
        limit: 0,
        lease: Duration::from_millis(1),
        max_attempts: 0,
        tenant_limit: Some(outbox::RateLimit {
            claims: 0,
            window: Duration::from_millis(1_500),
        }),
        ..ClaimOptions::of_tenant("worker", "")
    };
    let error = outbox::claim(&mut conn, &wrong).unwrap_err();
    assert_eq!(
        wrong_fields(&error),
        ["worker", "tenant_id", "limit", "lease", "max_attempts", "tenant_limit"]
    );
}

#[test]
fn a_delivery_that_is_to_be_sent_begins_queued_and_without_a_message() {
    let wrong = to("ann@example.com")
        .first_event(EventType::Dispatched, at(0))
        .provider("ses")
        .provider_message_id("m-1")
        .send();
    let error = wrong.validate().unwrap_err();
    assert_eq!(wrong_fields(&error), ["last_event_type", "provider_message_id"]);
}

#[test]
fn a_retry_is_no_failure_and_is_due_after_its_pause() {
    let (_database, mut conn) = connected();
    let delivery = queued(&mut conn);
    let attempt = begin(&mut conn);
    let before = reload(&mut conn, &delivery);
    let Retry::Scheduled(due_at) = attempt
        .retry(&mut conn, json!({ "code": 503 }), Duration::from_secs(60))
        .unwrap()
    else {
        panic!()
    };
    assert!(due_at > chrono::Utc::now());
    assert_eq!(claim(&mut conn), []);
    let after = reload(&mut conn, &delivery);
    assert_eq!(
        (after.status, after.last_error),
        (DeliveryStatus::Queued, Some(json!({ "code": 503 })))
    );
    assert_eq!(after.lock_version, before.lock_version + 1);
    assert_eq!(types(&mut conn, &delivery), [EventType::Queued]);

    expire(&mut conn);
    let claim = claim_one(&mut conn);
    assert_eq!(
        (claim.attempts(), claim.previous_attempt()),
        (1, PreviousAttempt::Failed)
    );
    assert_eq!(claim.begin(&mut conn).unwrap().number(), 2);
}

#[test]
fn the_last_attempt_fails_the_delivery() {
    let (_database, mut conn) = connected();
    let delivery = queued(&mut conn);
    let options = ClaimOptions {
        max_attempts: 2,
        ..options()
    };
    for number in 1..=2 {
        expire(&mut conn);
        let attempt = outbox::claim(&mut conn, &options)
            .unwrap()
            .remove(0)
            .begin(&mut conn)
            .unwrap();
        assert_eq!(attempt.number(), number);
        let outcome = attempt
            .retry(&mut conn, json!({ "attempt": number }), Duration::ZERO)
            .unwrap();
        assert_eq!(matches!(outcome, Retry::Failed(_)), number == 2);
    }
    let failed = reload(&mut conn, &delivery);
    assert_eq!(
        (failed.status, failed.last_error),
        (DeliveryStatus::Failed, Some(json!({ "attempt": 2 })))
    );
    assert_eq!(types(&mut conn, &delivery), [EventType::Queued, EventType::Failed]);
    assert_eq!(rows(&mut conn), 0);
}

#[test]
fn a_claim_can_fail_or_be_suppressed_or_released_without_an_attempt() {
    let (_database, mut conn) = connected();
    let delivery = queued(&mut conn);
    let claim = claim_one(&mut conn);
    claim.release(&mut conn).unwrap();
    assert!(claim.begin(&mut conn).unwrap_err().is_lease_lost());
    let claim = claim_one(&mut conn);
    assert_eq!(claim.previous_attempt(), PreviousAttempt::None);
    let failed = claim.failed(&mut conn, json!({ "template": "missing" })).unwrap();
    assert_eq!((failed.status, failed.id), (DeliveryStatus::Failed, delivery.id));

    queued(&mut conn);
    let suppressed = claim_one(&mut conn)
        .suppressed(&mut conn, Some(RejectReason::Spam))
        .unwrap();
    assert_eq!(suppressed.status, DeliveryStatus::Suppressed);
    assert_eq!(
        suppressed.timeline(&mut conn).unwrap()[1].reject_reason,
        Some(RejectReason::Spam)
    );
    assert_eq!(rows(&mut conn), 0);
}

#[test]
fn an_error_that_is_no_object_is_rejected_and_the_attempt_stays() {
    let (_database, mut conn) = connected();
    queued(&mut conn);
    let attempt = begin(&mut conn);
    for error in [
        attempt.retry(&mut conn, json!("timeout"), Duration::ZERO).unwrap_err(),
        attempt.failed(&mut conn, json!(503)).unwrap_err(),
    ] {
        assert_eq!(wrong_fields(&error), ["last_error"]);
    }
    assert_eq!(
        wrong_fields(&attempt.sent(&mut conn, "", "").unwrap_err()),
        ["provider", "provider_message_id"]
    );
    assert!(matches!(
        attempt.sent(&mut conn, "ses", "m-1").unwrap(),
        Sent::Recorded(_)
    ));
}

#[test]
fn an_extended_lease_is_not_claimed() {
    let (_database, mut conn) = connected();
    queued(&mut conn);
    let claim = claim_one(&mut conn);
    expire(&mut conn);
    claim.extend(&mut conn, Duration::from_secs(600)).unwrap();
    assert_eq!(super::outbox::claim(&mut conn), []);
    assert_eq!(
        wrong_fields(&claim.extend(&mut conn, Duration::ZERO).unwrap_err()),
        ["lease"]
    );
}

/// Every end of a claim is rejected after another worker has claimed the delivery, and changes nothing.
#[test]
fn a_worker_that_lost_its_lease_writes_nothing() {
    let (_database, mut conn) = connected();
    let delivery = queued(&mut conn);
    let late = claim_one(&mut conn);
    let late_attempt = late.begin(&mut conn).unwrap();
    expire(&mut conn);
    let current = outbox::claim(&mut conn, &resending()).unwrap().remove(0);
    let before = reload(&mut conn, &delivery);
    conn.transaction::<_, mailglass::Error, _>(|conn| {
        for error in [
            late.begin(conn).unwrap_err(),
            late.release(conn).unwrap_err(),
            late.extend(conn, Duration::from_secs(60)).unwrap_err(),
            late.failed(conn, json!({})).unwrap_err(),
            late.suppressed(conn, None).unwrap_err(),
            late_attempt.retry(conn, json!({}), Duration::ZERO).unwrap_err(),
            late_attempt.failed(conn, json!({})).unwrap_err(),
        ] {
            assert!(error.is_lease_lost(), "{error}");
        }
        Ok(()) // the transaction is usable
    })
    .unwrap();
    assert_eq!(reload(&mut conn, &delivery), before);
    assert!(current.begin(&mut conn).is_ok());
}

/// A lease that has expired is held until somebody else claims the delivery.
#[test]
fn an_expired_lease_counts_until_another_worker_claims() {
    let (_database, mut conn) = connected();
    queued(&mut conn);
    let claim = claim_one(&mut conn);
    expire(&mut conn);
    let attempt = claim.begin(&mut conn).unwrap();
    expire(&mut conn);
    assert!(matches!(
        attempt.sent(&mut conn, "ses", "m-1").unwrap(),
        Sent::Recorded(_)
    ));
}

#[test]
fn a_second_begin_begins_no_second_attempt() {
    let (_database, mut conn) = connected();
    queued(&mut conn);
    let claim = claim_one(&mut conn);
    assert_eq!(claim.begin(&mut conn).unwrap().number(), 1);
    assert_eq!(claim.begin(&mut conn).unwrap().number(), 1);
}

#[test]
fn batches_begin_and_end_in_one_statement_each() {
    let (_database, mut conn) = connected();
    for index in 0..5 {
        insert(&mut conn, &to(&format!("r{index}@x.org")).send());
    }
    let claims = claim(&mut conn);
    claims[3].release(&mut conn).unwrap();
    let attempts = outbox::begin_all(&mut conn, &claims).unwrap();
    assert_eq!(attempts.len(), 4);
    let messages: Vec<SentMessage> = attempts
        .iter()
        .map(|attempt| SentMessage {
            attempt: attempt.clone(),
            provider: "ses".to_owned(),
            provider_message_id: format!("m-{}", attempt.delivery().recipient),
        })
        .collect();
    let sent = outbox::sent_all(&mut conn, &messages).unwrap();
    for (message, sent) in messages.iter().zip(&sent) {
        let Sent::Recorded(delivery) = sent else { panic!() };
        assert_eq!(delivery.id, message.attempt.delivery().id);
        assert_eq!(
            delivery.provider_message_id.as_ref(),
            Some(&message.provider_message_id)
        );
    }
    assert_eq!(rows(&mut conn), 1);
    assert_eq!(outbox::begin_all(&mut conn, &[]).unwrap(), []);
    assert_eq!(outbox::sent_all(&mut conn, &[]).unwrap(), []);
    let twice = [messages[0].clone(), messages[0].clone()];
    assert_eq!(
        wrong_fields(&outbox::sent_all(&mut conn, &twice).unwrap_err()),
        ["attempt"]
    );
}

/// All or none: a message that belongs to another delivery rejects the batch.
#[test]
fn a_batch_with_a_message_of_another_delivery_is_rejected() {
    let (_database, mut conn) = connected();
    insert(
        &mut conn,
        &to("ann@example.com").provider("ses").provider_message_id("m-1"),
    );
    let delivery = queued(&mut conn);
    let attempt = begin(&mut conn);
    let error = attempt.sent(&mut conn, "ses", "m-1").unwrap_err();
    assert_eq!(wrong_fields(&error), ["provider_message_id"]);
    assert_eq!(
        (rows(&mut conn), reload(&mut conn, &delivery).status),
        (1, DeliveryStatus::Queued)
    );
}

#[test]
fn a_deleted_delivery_leaves_the_outbox_and_is_reported() {
    let (_database, mut conn) = connected();
    let delivery = queued(&mut conn);
    let attempt = begin(&mut conn);
    diesel::delete(mailglass::schema::mailglass_deliveries::table.find(delivery.id))
        .execute(&mut conn)
        .unwrap();
    assert!(attempt.sent(&mut conn, "ses", "m-1").unwrap_err().is_not_found());
    assert!(attempt.failed(&mut conn, json!({})).unwrap_err().is_not_found());
    expire(&mut conn);
    assert_eq!(outbox::claim(&mut conn, &resending()).unwrap(), []);
    assert_eq!(rows(&mut conn), 0);
}

/// The application sent, failed or suppressed it by other means.
#[test]
fn a_delivery_that_is_not_queued_any_more_leaves_the_outbox() {
    let (_database, mut conn) = connected();
    for index in 0..3 {
        let delivery = insert(&mut conn, &to(&format!("r{index}@x.org")).send());
        match index {
            0 => delivery.mark_dispatched(&mut conn, "ses", "m-0", at(0)).unwrap(),
            1 => delivery.mark_failed(&mut conn, json!({}), at(0)).unwrap(),
            _ => delivery.mark_suppressed(&mut conn, None, at(0)).unwrap(),
        };
    }
    assert_eq!(claim(&mut conn), []);
    assert_eq!(rows(&mut conn), 0);
}

/// Between the claim and the begin.
#[test]
fn an_attempt_does_not_begin_for_a_delivery_that_was_sent_meanwhile() {
    let (_database, mut conn) = connected();
    let delivery = queued(&mut conn);
    let claim = claim_one(&mut conn);
    delivery.mark_dispatched(&mut conn, "ses", "m-1", at(0)).unwrap();
    assert!(claim.begin(&mut conn).unwrap_err().is_lease_lost());
}

#[test]
fn a_claim_of_a_tenant_never_leaves_it() {
    let (_database, mut conn) = connected();
    for tenant in ["acme", "globex"] {
        insert(
            &mut conn,
            &NewDelivery::new(tenant, "welcome", Stream::Bulk, "ann@example.com").send(),
        );
    }
    let of_globex = outbox::claim(&mut conn, &ClaimOptions::of_tenant("worker", "globex")).unwrap();
    assert_eq!(
        of_globex
            .iter()
            .map(|claim| claim.delivery().tenant_id.as_str())
            .collect::<Vec<_>>(),
        ["globex"]
    );
    assert_eq!(
        outbox::claim(&mut conn, &ClaimOptions::of_tenant("worker", "globex")).unwrap(),
        []
    );
    assert_eq!(claim(&mut conn).len(), 1);
}
