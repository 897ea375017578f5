//! Events that suppress their recipients.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use diesel::connection::InstrumentationEvent;
use diesel::prelude::*;
use mailglass::ledger::{self, RecordOptions};
use mailglass::schema::mailglass_suppressions;
use mailglass::suppressions::{self, SoftBounces, Subject, Suppression, SuppressionRules};
use mailglass::{
    Delivery, EventDetails, EventType, NewDelivery, NewEvent, RejectReason, Stream, SuppressionReason,
    SuppressionScope, privacy,
};
use proptest::prelude::*;
use proptest::sample::select;

use crate::support::generate::for_all;
use crate::support::{TENANT, connected, eager, insert, to};

const ANN: &str = "ann@example.com";

const ONLY: SuppressionRules = SuppressionRules {
    hard_bounces: false,
    complaints: false,
    unsubscribes: false,
    soft_bounces: None,
};

const SOFT: SoftBounces = SoftBounces {
    threshold: 3,
    window: Duration::from_secs(7 * 24 * 60 * 60),
    duration: Duration::from_secs(24 * 60 * 60),
};

fn options(rules: SuppressionRules) -> RecordOptions {
    RecordOptions { suppress: Some(rules) }
}

fn with_soft_bounces() -> RecordOptions {
    options(SuppressionRules {
        soft_bounces: Some(SOFT),
        ..SuppressionRules::default()
    })
}

fn event(event_type: EventType) -> NewEvent {
    NewEvent::new(TENANT, event_type, Utc::now())
}

fn status(enhanced_status: &str) -> EventDetails {
    EventDetails {
        enhanced_status: Some(enhanced_status.to_owned()),
        ..EventDetails::default()
    }
}

fn hard(delivery: &Delivery) -> NewEvent {
    event(EventType::Bounced).delivery(delivery.id).details(status("5.1.1"))
}

fn soft(delivery: &Delivery) -> NewEvent {
    event(EventType::Bounced).delivery(delivery.id).details(status("4.2.2"))
}

fn record(conn: &mut PgConnection, events: &[NewEvent], options: &RecordOptions) {
    ledger::record_with(conn, events, options).unwrap();
}

fn all(conn: &mut PgConnection) -> Vec<Suppression> {
    mailglass_suppressions::table
        .order(mailglass_suppressions::id)
        .select(Suppression::as_select())
        .load(conn)
        .unwrap()
}

fn bulk(conn: &mut PgConnection, recipient: &str) -> Delivery {
    insert(conn, &NewDelivery::new(TENANT, "news", Stream::Bulk, recipient))
}

#[test]
fn each_rule_adds_its_suppression_and_no_other() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let delivery = bulk(conn, "Ann@example.com");
    let event = |event_type| event(event_type).delivery(delivery.id);
    let cases = [
        (
            event(EventType::Bounced).details(status("5.1.1")),
            "hard_bounces",
            SuppressionReason::HardBounce,
        ),
        (
            event(EventType::Rejected).details(status("5.1.1")),
            "hard_bounces",
            SuppressionReason::HardBounce,
        ),
        (event(EventType::Complained), "complaints", SuppressionReason::Complaint),
        (
            event(EventType::Unsubscribed),
            "unsubscribes",
            SuppressionReason::Unsubscribe,
        ),
    ];
    for (event, rule, reason) in cases {
        for name in ["hard_bounces", "complaints", "unsubscribes"] {
            let rules = SuppressionRules {
                hard_bounces: name == "hard_bounces",
                complaints: name == "complaints",
                unsubscribes: name == "unsubscribes",
                ..ONLY
            };
            let recorded = ledger::record_with(conn, std::slice::from_ref(&event), &options(rules)).unwrap();
            let found = all(conn);
            if name != rule {
                assert_eq!(found, [], "{rule} by {name}");
                continue;
            }
            let [suppression] = found.as_slice() else {
                panic!("{found:?}")
            };
            assert_eq!(suppression.reason, reason);
            assert_eq!(suppression.source_event_id, Some(recorded[0].event().id));
            assert_eq!(suppression.address.as_deref(), Some("Ann@example.com"));
            assert_eq!(suppression.until, None);
            let in_stream = reason == SuppressionReason::Unsubscribe;
            assert_eq!(suppression.stream, in_stream.then_some(Stream::Bulk));
            assert_eq!(suppression.scope == SuppressionScope::AddressStream, in_stream);
            diesel::delete(mailglass_suppressions::table).execute(conn).unwrap();
        }
    }
}

#[test]
fn recording_without_rules_suppresses_nobody() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let delivery = bulk(conn, ANN);
    ledger::record(
        conn,
        &[hard(&delivery), event(EventType::Complained).delivery(delivery.id)],
    )
    .unwrap();
    ledger::record_each(conn, &[hard(&delivery)]).unwrap();
    record(conn, &[hard(&delivery)], &RecordOptions::default());
    assert_eq!(all(conn), []);
}

#[test]
fn a_bounce_that_does_not_tell_suppresses_nobody() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let delivery = bulk(conn, ANN);
    let bounced = || event(EventType::Bounced).delivery(delivery.id);
    let code = |smtp_code| EventDetails {
        smtp_code: Some(smtp_code),
        ..EventDetails::default()
    };
    let events = [
        bounced().reject_reason(RejectReason::Invalid),
        bounced().details(status("5.7.1")),
        bounced().details(status("5.1.8")),
        bounced().details(code(550)),
        bounced().details(code(421)),
        bounced().details(EventDetails {
            permanent: Some(false),
            ..status("5.1.1")
        }),
        bounced().normalized_payload(serde_json::json!({ "permanent": "true" })),
        event(EventType::Deferred)
            .delivery(delivery.id)
            .details(status("4.2.2")),
    ];
    record(conn, &events, &with_soft_bounces());
    assert_eq!(all(conn), []);
    // What another adapter wrote into the payload counts as well.
    record(
        conn,
        &[bounced().normalized_payload(serde_json::json!({ "permanent": true }))],
        &with_soft_bounces(),
    );
    assert_eq!(all(conn).len(), 1);
}

#[test]
fn without_a_delivery_the_recipient_is_the_one_that_the_event_names() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let events = [
        event(EventType::Complained).recipient("bob@example.com"),
        event(EventType::Bounced)
            .provider_message("ses", "m1")
            .recipient(ANN)
            .details(status("5.1.1")),
        event(EventType::Complained).provider_message("ses", "m2"),
        // The stream is not known.
        event(EventType::Unsubscribed).recipient("cid@example.com"),
    ];
    record(conn, &events, &options(SuppressionRules::default()));
    let mut addresses: Vec<_> = all(conn).into_iter().map(|row| row.address.unwrap()).collect();
    addresses.sort_unstable();
    assert_eq!(addresses, [ANN, "bob@example.com"]);
}

#[test]
fn a_replay_adds_nothing_again() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let delivery = bulk(conn, ANN);
    let events = [
        hard(&delivery).idempotency_key("e1"),
        hard(&delivery).idempotency_key("e2"),
    ];
    let rules = options(SuppressionRules::default());
    record(conn, &events[..1], &rules);
    let subject = Subject::Address(ANN.to_owned());
    assert_eq!(suppressions::remove(conn, TENANT, &subject, None).unwrap().len(), 1);
    record(conn, &events[..1], &rules);
    ledger::record_each_with(conn, &events[..1], &rules).unwrap();
    assert_eq!(all(conn), []);
    record(conn, &events, &rules);
    assert_eq!(all(conn).len(), 1, "the second event is new");
}

#[test]
fn a_conflict_in_the_batch_leaves_no_suppression_behind() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let delivery = bulk(conn, ANN);
    ledger::record(conn, &[event(EventType::Opened).idempotency_key("e1")]).unwrap();
    let events = [hard(&delivery), event(EventType::Clicked).idempotency_key("e1")];
    let rules = options(SuppressionRules::default());
    assert!(
        ledger::record_with(conn, &events, &rules)
            .unwrap_err()
            .is_idempotency_conflict()
    );
    assert_eq!(all(conn), []);
    // The others are recorded, and suppress.
    ledger::record_each_with(conn, &events, &rules).unwrap();
    assert_eq!(all(conn).len(), 1);
}

#[test]
fn the_suppression_is_in_the_transaction_of_the_event() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let delivery = bulk(conn, ANN);
    let rolled_back: Result<(), diesel::result::Error> = conn.transaction(|conn| {
        record(conn, &[hard(&delivery)], &options(SuppressionRules::default()));
        assert_eq!(all(conn).len(), 1);
        Err(diesel::result::Error::RollbackTransaction)
    });
    assert!(rolled_back.is_err());
    assert_eq!(all(conn), []);
}

#[test]
fn other_events_cost_no_statement() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let delivery = bulk(conn, ANN);
    let queries = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&queries);
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { .. } = event {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    let single = [event(EventType::Delivered).delivery(delivery.id)];
    let batch = [
        event(EventType::Opened).delivery(delivery.id),
        event(EventType::Bounced).delivery(delivery.id).details(status("5.7.1")),
    ];
    let mut count = |options: &RecordOptions| {
        [&single[..], &batch[..]].map(|events| {
            queries.store(0, Ordering::Relaxed);
            record(conn, events, options);
            queries.load(Ordering::Relaxed)
        })
    };
    let _ = count(&RecordOptions::default());
    let without = count(&RecordOptions::default());
    assert_eq!(without[0], 1);
    assert_eq!(count(&options(SuppressionRules::default())), without);
}

#[test]
fn several_deliveries_that_bounce_softly_suppress_the_address_for_a_time() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let deliveries: Vec<Delivery> = [
        "ann@example.com",
        "Ann@example.com",
        "ANN@example.com",
        "bob@example.com",
    ]
    .iter()
    .map(|recipient| bulk(conn, recipient))
    .collect();
    let rules = with_soft_bounces();
    record(
        conn,
        &[soft(&deliveries[0]), soft(&deliveries[0]), soft(&deliveries[3])],
        &rules,
    );
    record(conn, &[soft(&deliveries[0]), soft(&deliveries[1])], &rules);
    // A hard bounce is not a soft one.
    record(
        conn,
        &[hard(&deliveries[2])],
        &options(SuppressionRules {
            hard_bounces: false,
            ..with_soft_bounces().suppress.unwrap()
        }),
    );
    assert_eq!(all(conn), [], "two deliveries so far");

    record(conn, &[soft(&deliveries[2])], &rules);
    let found = all(conn);
    let [suppression] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(suppression.reason, SuppressionReason::SoftBounce);
    let left = suppression.until.unwrap() - Utc::now();
    assert!(left > TimeDelta::hours(23) && left <= TimeDelta::days(1), "{left}");

    // A further one extends it.
    record(conn, &[soft(&deliveries[0])], &rules);
    let extended = all(conn);
    assert_eq!(extended[0].id, suppression.id);
    assert!(extended[0].until > suppression.until);
}

#[test]
fn soft_bounces_before_the_window_do_not_count() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let rules = with_soft_bounces();
    let old = |delivery: &Delivery, days| {
        NewEvent::new(TENANT, EventType::Bounced, Utc::now() - TimeDelta::days(days))
            .delivery(delivery.id)
            .details(status("4.2.2"))
    };
    let deliveries: Vec<Delivery> = (0..3).map(|_| bulk(conn, ANN)).collect();
    record(conn, &[old(&deliveries[0], 8), old(&deliveries[1], 6)], &rules);
    record(conn, &[soft(&deliveries[2])], &rules);
    assert_eq!(all(conn), []);
    record(conn, &[old(&deliveries[0], 5)], &rules);
    assert_eq!(all(conn).len(), 1);
}

#[test]
fn a_person_who_was_erased_is_suppressed_by_digest_only() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let message = to(ANN).provider("ses").provider_message_id("m1");
    let delivery = insert(conn, &message);
    privacy::erase(conn, TENANT, ANN).unwrap();
    let rules = with_soft_bounces();
    // Nothing names the person.
    record(
        conn,
        &[event(EventType::Complained).delivery(delivery.id), soft(&delivery)],
        &rules,
    );
    assert_eq!(all(conn), []);
    record(
        conn,
        &[event(EventType::Complained).delivery(delivery.id).recipient(ANN)],
        &rules,
    );
    assert_eq!(
        all(conn).iter().map(|row| row.address.clone()).collect::<Vec<_>>(),
        [None]
    );
    assert!(suppressions::check(conn, TENANT, Stream::Bulk, &[ANN]).unwrap()[0].is_some());
}

/// Batches of events, recorded in any partition, suppress the same recipients as a model says.
#[test]
fn the_rules_agree_with_a_model() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let kinds = select(vec!["hard", "soft", "neither", "complaint", "unsubscribe", "opened"]);
    let steps = prop::collection::vec((0..4_usize, kinds, any::<bool>()), 1..14);
    for_all(30, steps, |steps| {
        diesel::delete(mailglass_suppressions::table).execute(conn).unwrap();
        let domain = uuid::Uuid::now_v7().simple().to_string();
        let recipients = ["ann", "ann", "ann", "bob"].map(|name| format!("{name}@{domain}.example"));
        let deliveries: Vec<Delivery> = recipients.iter().map(|recipient| bulk(conn, recipient)).collect();
        let rules = options(SuppressionRules {
            soft_bounces: Some(SoftBounces { threshold: 2, ..SOFT }),
            ..SuppressionRules::default()
        });
        let mut batch = Vec::new();
        let mut expected = std::collections::BTreeSet::new();
        let mut softly = std::collections::BTreeSet::new();
        for (delivery, kind, ends_batch) in steps {
            let of = |event_type| event(event_type).delivery(deliveries[delivery].id);
            batch.push(match kind {
                "hard" => hard(&deliveries[delivery]),
                "soft" => soft(&deliveries[delivery]),
                "neither" => of(EventType::Bounced).details(status("5.7.1")),
                "complaint" => of(EventType::Complained),
                "unsubscribe" => of(EventType::Unsubscribed),
                _ => of(EventType::Opened),
            });
            let person = &recipients[delivery];
            match kind {
                "hard" => drop(expected.insert((person.clone(), SuppressionReason::HardBounce))),
                "complaint" => drop(expected.insert((person.clone(), SuppressionReason::Complaint))),
                "unsubscribe" => drop(expected.insert((person.clone(), SuppressionReason::Unsubscribe))),
                "soft" => {
                    softly.insert((person, delivery));
                    if softly.iter().filter(|(other, _)| *other == person).count() >= 2 {
                        expected.insert((person.clone(), SuppressionReason::SoftBounce));
                    }
                }
                _ => {}
            }
            if ends_batch {
                record(conn, &std::mem::take(&mut batch), &rules);
            }
        }
        record(conn, &batch, &rules);
        let found: std::collections::BTreeSet<_> = all(conn)
            .into_iter()
            .map(|row| (row.address.unwrap(), row.reason))
            .collect();
        prop_assert_eq!(found, expected);
        Ok(())
    });
}

#[test]
fn an_event_that_is_linked_later_suppresses_if_the_sweep_has_rules() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let early = event(EventType::Unsubscribed).provider_message("ses", "m1");
    record(conn, &[early], &options(SuppressionRules::default()));
    assert_eq!(all(conn), []);
    let message = NewDelivery::new(TENANT, "news", Stream::Bulk, ANN).provider("ses");
    // An insert links nothing, so the sweep does.
    insert(conn, &message.provider_message_id("m1"));
    let with_rules = mailglass::reconciler::SweepOptions {
        suppress: Some(SuppressionRules::default()),
        ..eager()
    };
    let linked = mailglass::reconciler::sweep(conn, &with_rules).unwrap().linked;
    let found = all(conn);
    assert_eq!((linked, found.len()), (1, 1));
    assert_eq!(found[0].stream, Some(Stream::Bulk));
    assert_eq!(mailglass::reconciler::sweep(conn, &with_rules).unwrap().linked, 0);
}

#[test]
fn rules_are_applied_to_events_of_the_tenant_that_were_recorded_without_them() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let delivery = bulk(conn, ANN);
    let recorded = ledger::record(conn, &[hard(&delivery), event(EventType::Opened).delivery(delivery.id)]).unwrap();
    let ids: Vec<_> = recorded.iter().map(|recorded| recorded.event().id).collect();
    let mut apply = |tenant, rules| suppressions::apply(conn, tenant, &rules, &ids).unwrap();
    assert_eq!(apply("globex", SuppressionRules::default()), []);
    assert_eq!(apply(TENANT, ONLY), []);
    assert_eq!(apply(TENANT, SuppressionRules::default()).len(), 1);
    assert!(apply(TENANT, SuppressionRules::default())[0].is_unchanged());
    assert_eq!(all(conn).len(), 1);
}
