//! What an event says about a person is apart from the ledger.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use mailglass::schema::{mailglass_event_details, mailglass_event_links, mailglass_events};
use mailglass::{Error, EventDetails, EventType, NewEvent, ledger};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{
    TENANT, at, connected, delivery, event, expired, insert, linked, record_one, sweep_now, to, wrong_fields,
};

fn bounce() -> EventDetails {
    EventDetails {
        permanent: Some(true),
        smtp_code: Some(550),
        enhanced_status: Some("5.1.1".to_owned()),
        remote_mta: Some("mx.example.com".to_owned()),
        description: Some("no such user".to_owned()),
        mta_response: Some("550 5.1.1 <ann@example.com>: no such user".to_owned()),
        ip_address: Some([192, 0, 2, 1].into()),
        user_agent: Some("Mozilla/5.0".to_owned()),
        click_url: Some("https://example.com/?token=1".to_owned()),
        other: Some(json!({ "email": "ann@example.com" })),
    }
}

fn count_details(conn: &mut PgConnection) -> i64 {
    mailglass_event_details::table.count().get_result(conn).unwrap()
}

/// In how many rows of the ledger a text occurs.
fn ledger_rows_with(conn: &mut PgConnection, text: &str) -> i64 {
    diesel::sql_query(
        "SELECT count(*) AS count FROM mailglass_events AS event WHERE strpos(lower(event::text), lower($1)) > 0",
    )
    .bind::<Text, _>(text)
    .get_result::<Count>(conn)
    .unwrap()
    .count
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[test]
fn what_is_personal_is_stored_apart_and_the_rest_is_in_the_payload() {
    let (_database, mut conn) = connected();
    let delivery = delivery(&mut conn);
    let bounced = event(EventType::Bounced, 1)
        .delivery(delivery.id)
        .normalized_payload(json!({ "Type": "HardBounce" }))
        .details(bounce());
    let recorded = record_one(&mut conn, bounced);

    let facts = json!({
        "Type": "HardBounce",
        "permanent": true,
        "smtp_code": 550,
        "enhanced_status": "5.1.1",
        "remote_mta": "mx.example.com",
    });
    assert_eq!(recorded.normalized_payload, facts);
    let stored: mailglass::Event = mailglass_events::table.find(recorded.id).first(&mut conn).unwrap();
    assert!(recorded == stored);
    for personal in ["no such user", "ann@", "192.0.2.1", "Mozilla", "token"] {
        assert_eq!(ledger_rows_with(&mut conn, personal), 0, "{personal}");
    }
    assert!(recorded.details(&mut conn).unwrap() == bounce());
}

#[test]
fn the_events_of_a_batch_keep_their_own_details() {
    let (_database, mut conn) = connected();
    let clicked = |number: i64| {
        event(EventType::Clicked, number).details(EventDetails {
            click_url: Some(format!("https://example.com/{number}")),
            ..EventDetails::default()
        })
    };
    let events = [clicked(1), event(EventType::Opened, 2), clicked(3)];
    let recorded = ledger::record(&mut conn, &events).unwrap();
    let urls: Vec<Option<String>> = (recorded.iter())
        .map(|appended| appended.event().details(&mut conn).unwrap().click_url)
        .collect();
    let url = |number| Some(format!("https://example.com/{number}"));
    assert_eq!(urls, [url(1), None, url(3)]);
    assert_eq!(count_details(&mut conn), 2);
}

#[test]
fn an_event_without_personal_details_has_no_row() {
    let (_database, mut conn) = connected();
    let soft = EventDetails {
        permanent: Some(false),
        ..EventDetails::default()
    };
    for details in [soft, EventDetails::default()] {
        record_one(&mut conn, event(EventType::Deferred, 1).details(details));
    }
    assert_eq!(count_details(&mut conn), 0);
}

#[test]
fn a_recipient_is_kept_only_until_the_event_has_a_delivery() {
    let (_database, mut conn) = connected();
    let sent = |recipient| to(recipient).provider("ses").provider_message_id("m-1");
    insert(&mut conn, &sent("ann@example.com"));
    insert(&mut conn, &sent("bob@example.com"));
    let opened = |recipient| {
        event(EventType::Opened, 1)
            .provider_message("ses", "m-1")
            .recipient(recipient)
    };
    let found = record_one(&mut conn, opened("bob@example.com"));
    assert!(found.delivery_id.is_some());
    record_one(&mut conn, opened("cid@example.com"));
    assert_eq!(links_recipients(&mut conn), [Some("cid@example.com".to_owned())]);

    insert(&mut conn, &sent("cid@example.com"));
    assert_eq!(sweep_now(&mut conn), linked(1));
    assert_eq!(links_recipients(&mut conn), [None]);
    assert_eq!(
        (ledger_rows_with(&mut conn, "@example.com"), count_details(&mut conn)),
        (0, 0)
    );
}

/// Without it, the details of the event could not be found when the recipient is erased.
#[test]
fn the_link_of_an_expired_event_keeps_its_recipient() {
    let (_database, mut conn) = connected();
    record_one(
        &mut conn,
        event(EventType::Opened, 1)
            .provider_message("ses", "m-1")
            .recipient("cid@example.com"),
    );
    let options = mailglass::reconciler::SweepOptions {
        max_age: std::time::Duration::ZERO,
        ..crate::support::eager()
    };
    assert_eq!(mailglass::reconciler::sweep(&mut conn, &options).unwrap(), expired(1));
    assert_eq!(links_recipients(&mut conn), [Some("cid@example.com".to_owned())]);
}

fn links_recipients(conn: &mut PgConnection) -> Vec<Option<String>> {
    mailglass_event_links::table
        .select(mailglass_event_links::recipient)
        .load(conn)
        .unwrap()
}

#[test]
fn the_recipient_of_an_event_that_names_nothing_else_is_a_detail() {
    let (_database, mut conn) = connected();
    let unsubscribed = record_one(
        &mut conn,
        event(EventType::Unsubscribed, 1).recipient("Ann@example.com"),
    );
    let rows: Vec<(uuid::Uuid, Option<String>, Value)> = mailglass_event_details::table
        .select((
            mailglass_event_details::event_id,
            mailglass_event_details::recipient,
            mailglass_event_details::data,
        ))
        .load(&mut conn)
        .unwrap();
    assert_eq!(rows, [(unsubscribed.id, Some("Ann@example.com".to_owned()), json!({}))]);
}

#[test]
fn an_event_with_the_recipients_address_is_rejected_unless_it_is_allowed() {
    let (_database, mut conn) = connected();
    let named = || event(EventType::Opened, 1).recipient("ann@example.com");
    let cases = [
        (
            named().normalized_payload(json!({ "to": ["Ann <ANN@example.com>"] })),
            "normalized_payload",
        ),
        (
            named().normalized_payload(json!({ "ann@example.com": 1 })),
            "normalized_payload",
        ),
        (
            named().metadata(json!({ "a": { "b": "mailto:ann@example.com" } })),
            "metadata",
        ),
        (
            event(EventType::Opened, 1).metadata(json!({ "recipient": "ann@example.com" })),
            "metadata",
        ),
        (
            event(EventType::Opened, 1).normalized_payload(json!({ "recipient": "ann@example.com" })),
            "normalized_payload",
        ),
        (named().idempotency_key("open:ann@example.com:1"), "idempotency_key"),
        (named().trace_id("ann@example.com"), "trace_id"),
        (
            named().details(EventDetails {
                remote_mta: Some("for ann@example.com".to_owned()),
                ..EventDetails::default()
            }),
            "details",
        ),
    ];
    for (event, field) in cases {
        let error = ledger::record(&mut conn, std::slice::from_ref(&event)).unwrap_err();
        assert_eq!(wrong_fields(&error), [field]);
        assert!(!error.to_string().contains("ann@") && !format!("{error:?}").contains("ann@"));
        record_one(&mut conn, event.allow_personal_data());
    }
    // An address that the event does not name as its recipient can't be recognized.
    let other = named().normalized_payload(json!({ "from": "shop@example.com", "cc": "joann@example.org" }));
    record_one(&mut conn, other);
}

#[test]
fn a_replay_compares_what_the_ledger_keeps() {
    let (_database, mut conn) = connected();
    let with = |details| event(EventType::Bounced, 1).idempotency_key("ses:1").details(details);
    record_one(&mut conn, with(bounce()));

    let another_text = EventDetails {
        description: Some("user unknown".to_owned()),
        ip_address: None,
        ..bounce()
    };
    let replay = ledger::record(&mut conn, &[with(another_text)]).unwrap();
    assert!(replay[0].is_replay());
    assert!(replay[0].event().details(&mut conn).unwrap() == bounce());

    let soft = EventDetails {
        permanent: Some(false),
        ..bounce()
    };
    let Error::IdempotencyConflict { fields, .. } = ledger::record(&mut conn, &[with(soft)]).unwrap_err() else {
        panic!("expected a conflict");
    };
    assert_eq!(fields, ["normalized_payload"]);

    diesel::delete(mailglass_event_details::table)
        .execute(&mut conn)
        .unwrap();
    assert!(ledger::record(&mut conn, &[with(bounce())]).unwrap()[0].is_replay());
    assert_eq!(
        count_details(&mut conn),
        0,
        "a replay must not bring erased details back"
    );
}

#[test]
fn a_rejected_batch_writes_no_details() {
    let (_database, mut conn) = connected();
    let first = event(EventType::Opened, 1).idempotency_key("k");
    record_one(&mut conn, first);
    let batch = [
        event(EventType::Clicked, 2).details(bounce()),
        event(EventType::Clicked, 3).idempotency_key("k"),
    ];
    assert!(ledger::record(&mut conn, &batch).unwrap_err().is_idempotency_conflict());
    assert_eq!(count_details(&mut conn), 0);
    ledger::record_each(&mut conn, &batch).unwrap();
    assert_eq!(count_details(&mut conn), 1);
}

#[test]
fn an_event_that_waits_has_its_link_and_its_details() {
    let (_database, mut conn) = connected();
    let waiting = || {
        event(EventType::Bounced, 1)
            .provider_message("ses", "m-1")
            .details(bounce())
    };
    record_one(&mut conn, waiting());
    ledger::append(&mut conn, &[waiting()]).unwrap();
    assert_eq!(links_recipients(&mut conn).len(), 2);
    assert_eq!(count_details(&mut conn), 2);
}

#[test]
fn invalid_details_are_rejected_with_the_field() {
    let with = |change: fn(&mut EventDetails)| {
        let mut details = bounce();
        change(&mut details);
        event(EventType::Bounced, 1).details(details)
    };
    let cases: [(NewEvent, &str); 6] = [
        (with(|details| details.smtp_code = Some(600)), "details.smtp_code"),
        (
            with(|details| details.description = Some("\0".to_owned())),
            "details.description",
        ),
        (
            with(|details| details.user_agent = Some("x".repeat(65_537))),
            "details.user_agent",
        ),
        (with(|details| details.other = Some(json!([]))), "details.other"),
        (
            with(|details| details.other = Some(json!({ "a": "\0" }))),
            "details.other",
        ),
        (
            with(|_| ()).normalized_payload(json!({ "smtp_code": "550" })),
            "details.smtp_code",
        ),
    ];
    for (event, field) in cases {
        assert_eq!(wrong_fields(&event.validate().unwrap_err()), [field]);
    }
    let blank = with(|details| details.description = Some(" ".to_owned()));
    assert!(blank.normalized_payload(json!({ "smtp_code": 550 })).validate().is_ok());
}

#[test]
fn details_are_read_from_an_attribute_map() {
    let attrs = |details: Value| {
        NewEvent::from_attrs(json!({
            "tenant_id": TENANT, "type": "bounced", "occurred_at": at(1).to_rfc3339(), "details": details,
        }))
    };
    let details = json!({
        "permanent": true, "smtp_code": 550, "enhanced_status": "5.1.1", "remote_mta": "mx.example.com",
        "description": "no such user", "mta_response": "550 5.1.1 <ann@example.com>: no such user",
        "ip_address": "192.0.2.1", "user_agent": "Mozilla/5.0", "click_url": "https://example.com/?token=1",
        "other": { "email": "ann@example.com" },
    });
    assert!(attrs(details).unwrap() == event(EventType::Bounced, 1).details(bounce()));

    let wrong =
        attrs(json!({ "permanent": "yes", "smtp_code": -1, "ip_address": "ann@example.com", "ann@example.com": 1 }));
    let error = wrong.unwrap_err();
    assert_eq!(
        wrong_fields(&error),
        [
            "details.permanent",
            "details.smtp_code",
            "details.ip_address",
            "details.[redacted]"
        ]
    );
    assert!(!error.to_string().contains("ann@"));
    assert_eq!(wrong_fields(&attrs(json!("x")).unwrap_err()), ["details"]);
}

#[test]
fn an_attribute_map_can_allow_personal_data() {
    let attrs = |allowed: bool| {
        NewEvent::from_attrs(json!({
            "tenant_id": TENANT, "type": "opened", "occurred_at": at(1).to_rfc3339(), "recipient": "ann@example.com",
            "normalized_payload": { "to": "ann@example.com" }, "allow_personal_data": allowed,
        }))
    };
    assert_eq!(wrong_fields(&attrs(false).unwrap_err()), ["normalized_payload"]);
    assert!(attrs(true).is_ok());
}

fn text() -> impl Strategy<Value = Option<String>> {
    prop::option::of("[^\u{0}]{0,20}")
}

fn details() -> impl Strategy<Value = EventDetails> {
    let facts = (any::<Option<bool>>(), prop::option::of(200_u16..600), text(), text());
    let personal = (text(), text(), any::<Option<std::net::IpAddr>>(), text(), text());
    (facts, personal, prop::option::of("[^\u{0}]{0,5}")).prop_map(|(facts, personal, other)| EventDetails {
        permanent: facts.0,
        smtp_code: facts.1,
        enhanced_status: facts.2,
        remote_mta: facts.3,
        description: personal.0,
        mta_response: personal.1,
        ip_address: personal.2,
        user_agent: personal.3,
        click_url: personal.4,
        other: other.map(|text| json!({ "text": text })),
    })
}

#[test]
fn all_valid_details_are_read_back_as_they_were() {
    let (_database, conn) = connected();
    let conn = std::cell::RefCell::new(conn);
    let cases = ProptestConfig {
        cases: 100,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(cases, |(details in details())| {
        let mut conn = conn.borrow_mut();
        let recorded = record_one(&mut conn, event(EventType::Clicked, 1).details(details.clone()));
        prop_assert!(recorded.details(&mut conn).unwrap() == details);
    });
}
