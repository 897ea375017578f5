//! A tenant that guesses the idempotency key of another one learns nothing but that it is in use, and can't block it.

use mailglass::ledger::{self, Appended, Outcome};
use mailglass::{Error, EventType, NewDelivery, NewEvent, Stream, tenant_idempotency_key};
use proptest::prelude::*;

use crate::support::{at, connected, generate, wrong_fields};

fn opened(tenant: &str) -> NewEvent {
    NewEvent::new(tenant, EventType::Opened, at(1))
}

fn welcome(tenant: &str) -> NewDelivery {
    NewDelivery::new(tenant, "welcome", Stream::Transactional, "ann@example.com")
}

#[test]
fn a_guessed_key_blocks_nobody_if_keys_carry_their_tenant() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    // B is first with the same key, and B also tries to write A's form of it.
    let key = "ses:delivery:42";
    ledger::record(
        conn,
        &[
            opened("b").tenant_idempotency_key(key),
            opened("b").idempotency_key(key),
        ],
    )
    .unwrap();
    welcome("b").tenant_idempotency_key(key).insert(conn).unwrap();
    let forged = tenant_idempotency_key("a", key);
    let rejected = ledger::record_each(conn, &[opened("b").idempotency_key(&forged)]).unwrap_err();
    assert_eq!(wrong_fields(&rejected), ["idempotency_key"]);
    let rejected = welcome("b").idempotency_key(&forged).insert(conn).unwrap_err();
    assert_eq!(wrong_fields(&rejected), ["idempotency_key"]);
    let attributes = serde_json::json!({
        "tenant_id": "b", "type": "opened", "occurred_at": at(1), "idempotency_key": forged,
    });
    assert_eq!(
        wrong_fields(&NewEvent::from_attrs(attributes).unwrap_err()),
        ["idempotency_key"]
    );

    let ours = [opened("a").tenant_idempotency_key(key)];
    assert!(matches!(
        ledger::record_each(conn, &ours).unwrap()[..],
        [Outcome::Recorded(_)]
    ));
    assert!(matches!(
        ledger::record(conn, &ours).unwrap()[..],
        [Appended::Replayed(_)]
    ));
    let ours = welcome("a").tenant_idempotency_key(key);
    assert!(!ours.insert(conn).unwrap().is_replay());
    assert!(ours.insert(conn).unwrap().is_replay());
    // The crate's own form may also be given as a text.
    assert!(welcome("a").idempotency_key(&forged).insert(conn).unwrap().is_replay());
}

#[test]
fn without_its_tenant_a_key_of_another_tenant_shows_nothing_but_that_it_is_in_use() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    ledger::record(conn, &[opened("a").idempotency_key("k").trace_id("secret")]).unwrap();
    welcome("a").idempotency_key("k").insert(conn).unwrap();
    let conflict = |error: Error| match error {
        Error::IdempotencyConflict { key, fields, .. } => (key.as_str().to_owned(), fields),
        other => panic!("{other:?}"),
    };
    let expected = ("k".to_owned(), vec!["tenant_id".to_owned()]);
    assert_eq!(
        conflict(ledger::record(conn, &[opened("b").idempotency_key("k")]).unwrap_err()),
        expected
    );
    assert_eq!(
        conflict(welcome("b").idempotency_key("k").insert(conn).unwrap_err()),
        expected
    );
    let outcomes = ledger::record_each(conn, &[opened("b").idempotency_key("k")]).unwrap();
    assert!(matches!(&outcomes[..], [Outcome::Conflicting { event: None, fields }] if *fields == expected.1));
}

#[test]
fn a_key_that_carries_a_tenant_is_checked_as_a_whole() {
    let valid = |tenant: &str, key: &str| opened(tenant).tenant_idempotency_key(key).validate();
    assert!(valid("acme", &"k".repeat(512 - "@4:acme:".len())).is_ok());
    for wrong in ["", " ", "\0", &"k".repeat(512 - "@4:acme:".len() + 1)] {
        assert_eq!(
            wrong_fields(&valid("acme", wrong).unwrap_err()),
            ["idempotency_key"],
            "{wrong:?}"
        );
    }
    // These carry no tenant, so they are plain keys, or they carry this one.
    for plain in [
        "@acme",
        "@4:acm",
        "@4:acme",
        "@x:acme:1",
        "@+4:acme:1",
        "@99:acme:1",
        "@4:acme:1",
        "@04:acme:1",
        "@:acme:1",
    ] {
        assert!(opened("acme").idempotency_key(plain).validate().is_ok(), "{plain}");
    }
    for of_others in ["@4:acme:1", "@04:acme:1", "@1:a:cme:1", "@0::1"] {
        assert!(
            opened("other").idempotency_key(of_others).validate().is_err(),
            "{of_others}"
        );
    }
    // In the middle of a character there is no tenant.
    assert!(opened("other").idempotency_key("@1:\u{e9}:1").validate().is_ok());
}

#[test]
fn no_two_pairs_of_tenant_and_key_have_the_same_form_and_no_other_tenant_can_use_one() {
    let text = || "[a:@1\u{e9}]{1,4}";
    generate::for_all(
        500,
        (text(), text(), text(), text()),
        |(tenant, key, other, other_key)| {
            let [one, another] =
                [(&tenant, &key), (&other, &other_key)].map(|(tenant, key)| tenant_idempotency_key(tenant, key));
            prop_assert_eq!(one == another, (&tenant, &key) == (&other, &other_key));
            prop_assert_eq!(opened(&other).idempotency_key(&one).validate().is_ok(), tenant == other);
            Ok(())
        },
    );
}
