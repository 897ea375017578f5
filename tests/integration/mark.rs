//! `mark_dispatched`, `mark_failed` and `mark_suppressed` change the row and record the event in one transaction, under the
//! optimistic lock. A step that contradicts the state is rejected.

use diesel::prelude::*;
use mailglass::projection::{Projection, fold};
use mailglass::{Delivery, DeliveryStatus, EventType, RejectReason};
use serde_json::json;

use crate::support::{
    at, at_once, connected, count_events, delivery, event, insert, record_one, reload, to, wrong_fields,
};

fn last_event(conn: &mut PgConnection, delivery: &Delivery) -> mailglass::Event {
    let mut timeline = delivery.timeline(conn).unwrap();
    assert_eq!(fold(&timeline), Some(Projection::from(delivery)));
    timeline.pop().unwrap()
}

#[test]
fn mark_dispatched_stores_the_provider_and_its_message_id() {
    let (_database, mut conn) = connected();
    let dispatched = delivery(&mut conn)
        .mark_dispatched(&mut conn, "postmark", "m-1", at(3))
        .unwrap();
    assert_eq!(dispatched.provider.as_deref(), Some("postmark"));
    assert_eq!(dispatched.provider_message_id.as_deref(), Some("m-1"));
    assert_eq!(
        (dispatched.status, dispatched.dispatched_at),
        (DeliveryStatus::Dispatched, Some(at(3)))
    );
    assert_eq!(last_event(&mut conn, &dispatched).type_, EventType::Dispatched);
}

#[test]
fn mark_failed_stores_the_error() {
    let (_database, mut conn) = connected();
    let failed = delivery(&mut conn)
        .mark_failed(&mut conn, json!({ "code": 406 }), at(3))
        .unwrap();
    assert_eq!((failed.status, failed.terminal), (DeliveryStatus::Failed, true));
    assert_eq!(failed.last_error, Some(json!({ "code": 406 })));
    assert_eq!(last_event(&mut conn, &failed).type_, EventType::Failed);
}

#[test]
fn mark_suppressed_stores_the_reason() {
    let (_database, mut conn) = connected();
    let reason = Some(RejectReason::Unsubscribed);
    let suppressed = delivery(&mut conn).mark_suppressed(&mut conn, reason, at(3)).unwrap();
    assert_eq!(
        (suppressed.status, suppressed.suppressed_at),
        (DeliveryStatus::Suppressed, Some(at(3)))
    );
    assert_eq!(last_event(&mut conn, &suppressed).reject_reason, reason);
}

#[test]
fn marking_a_stale_copy_writes_neither_row_nor_event() {
    let (_database, mut conn) = connected();
    let copy = delivery(&mut conn);
    let dispatched = copy.mark_dispatched(&mut conn, "postmark", "m-1", at(3)).unwrap();
    let before = count_events(&mut conn);
    assert!(
        copy.mark_dispatched(&mut conn, "postmark", "m-2", at(4))
            .unwrap_err()
            .is_stale_entry()
    );
    assert!(
        copy.mark_failed(&mut conn, json!({}), at(4))
            .unwrap_err()
            .is_stale_entry()
    );
    assert!(
        copy.mark_suppressed(&mut conn, None, at(4))
            .unwrap_err()
            .is_stale_entry()
    );
    assert_eq!(
        (reload(&mut conn, &copy), count_events(&mut conn)),
        (dispatched, before)
    );
}

#[test]
fn an_invalid_event_leaves_the_row_unchanged() {
    let (_database, mut conn) = connected();
    let delivery = delivery(&mut conn);
    let tomorrow = chrono::Utc::now() + chrono::TimeDelta::days(2);
    let error = delivery
        .mark_dispatched(&mut conn, "postmark", "m-1", tomorrow)
        .unwrap_err();
    assert_eq!(wrong_fields(&error), ["occurred_at"]);
    assert_eq!(reload(&mut conn, &delivery), delivery);
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
    let error = second.mark_dispatched(&mut conn, "postmark", "m-1", at(3)).unwrap_err();
    assert_eq!(wrong_fields(&error), ["provider_message_id"]);
    assert_eq!(reload(&mut conn, &second), second);
}

/// A delivery in each status, as the application's own steps and its events make it.
fn in_status(conn: &mut PgConnection, status: DeliveryStatus) -> Delivery {
    let queued = delivery(conn);
    let record = |conn: &mut PgConnection, event_type| {
        record_one(conn, event(event_type, 2).delivery(queued.id));
        reload(conn, &queued)
    };
    let made = match status {
        DeliveryStatus::Queued => queued,
        DeliveryStatus::Dispatched => queued
            .mark_dispatched(conn, "ses", queued.id.to_string(), at(2))
            .unwrap(),
        DeliveryStatus::Sent => record(conn, EventType::Delivered),
        DeliveryStatus::Failed => record(conn, EventType::Bounced),
        DeliveryStatus::Suppressed => queued.mark_suppressed(conn, None, at(2)).unwrap(),
    };
    assert_eq!(made.status, status);
    made
}

#[test]
fn a_step_that_contradicts_the_status_is_rejected_and_writes_nothing() {
    use DeliveryStatus::{Dispatched, Failed, Queued, Sent, Suppressed};
    type Step = fn(&Delivery, &mut PgConnection) -> mailglass::Result<Delivery>;
    let dispatch: Step = |delivery, conn| delivery.mark_dispatched(conn, "ses", format!("x{}", delivery.id), at(3));
    let fail: Step = |delivery, conn| delivery.mark_failed(conn, json!({}), at(3));
    let suppress: Step = |delivery, conn| delivery.mark_suppressed(conn, None, at(3));
    let steps = [
        // A dispatched delivery has another message. One that was sent or has bounced has none yet, and learns it.
        (EventType::Dispatched, dispatch, [Dispatched, Suppressed].as_slice()),
        (EventType::Failed, fail, &[Sent, Suppressed]),
        (EventType::Suppressed, suppress, &[Dispatched, Sent, Failed]),
    ];
    let (_database, mut conn) = connected();
    for (step, take, rejecting) in steps {
        for status in [Queued, Dispatched, Sent, Failed, Suppressed] {
            let before = in_status(&mut conn, status);
            let events = count_events(&mut conn);
            // In a transaction of the caller, which remains usable.
            let outcome = conn
                .transaction::<_, mailglass::Error, _>(|conn| {
                    let outcome = take(&before, conn);
                    to("bob@example.com").insert(conn)?;
                    Ok(outcome)
                })
                .unwrap();
            let is_rejected = rejecting.contains(&status);
            assert_eq!(
                outcome.as_ref().is_err_and(mailglass::Error::is_step_rejected),
                is_rejected,
                "{step} of {status}: {outcome:?}"
            );
            let is_repeated = (step, status) == (EventType::Suppressed, Suppressed);
            if is_rejected || is_repeated {
                assert_eq!(reload(&mut conn, &before), before, "{step} of {status}");
            } else {
                last_event(&mut conn, outcome.as_ref().unwrap());
            }
            let written = i64::from(!is_rejected && !is_repeated);
            assert_eq!(count_events(&mut conn), events + 1 + written, "{step} of {status}");
            if let Err(mailglass::Error::StepRejected {
                id,
                step: rejected,
                status: found,
            }) = outcome
            {
                assert_eq!((id, rejected, found), (before.id, step, status));
            }
        }
    }
}

#[test]
fn marking_it_dispatched_as_the_same_message_again_records_no_second_event() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let queued = delivery(conn);
    let dispatched = queued.mark_dispatched(conn, "ses", "m-1", at(3)).unwrap();
    assert_eq!(
        dispatched.mark_dispatched(conn, "ses", "m-1", at(4)).unwrap(),
        dispatched
    );
    assert!(
        dispatched
            .mark_dispatched(conn, "postmark", "m-1", at(4))
            .unwrap_err()
            .is_step_rejected()
    );
    assert!(
        queued
            .mark_dispatched(conn, "ses", "m-1", at(4))
            .unwrap_err()
            .is_stale_entry()
    );
    assert_eq!(count_events(conn), 2);

    // The row has the message, but the ledger has no event yet.
    let inserted = insert(conn, &to("bob@example.com").provider("ses").provider_message_id("m-2"));
    let dispatched = inserted.mark_dispatched(conn, "ses", "m-2", at(3)).unwrap();
    assert_eq!(dispatched.dispatched_at, Some(at(3)));
}

/// A webhook may arrive before the dispatch is recorded.
#[test]
fn a_delivery_whose_events_arrived_before_learns_its_message() {
    let (_database, mut conn) = connected();
    for status in [DeliveryStatus::Sent, DeliveryStatus::Failed] {
        let delivery = in_status(&mut conn, status);
        let message = format!("m-{status}");
        let dispatched = delivery.mark_dispatched(&mut conn, "ses", &message, at(1)).unwrap();
        assert_eq!(
            (dispatched.status, dispatched.provider_message_id),
            (status, Some(message))
        );
    }
}

#[test]
fn of_concurrent_steps_one_is_taken_and_the_others_are_stale() {
    let (database, mut conn) = connected();
    let queued = delivery(&mut conn);
    let outcomes = at_once(&database, 6, |worker, conn| match worker % 3 {
        0 => queued.mark_dispatched(conn, "ses", format!("m-{worker}"), at(3)),
        1 => queued.mark_suppressed(conn, None, at(3)),
        _ => queued.mark_failed(conn, json!({}), at(3)),
    });
    let (taken, rejected): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(mailglass::Result::is_ok);
    assert_eq!(taken.len(), 1);
    assert!(
        rejected
            .into_iter()
            .all(|outcome| outcome.unwrap_err().is_stale_entry())
    );
    assert_eq!(count_events(&mut conn), 2);
}
