//! The signatures of Mailgun.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use chrono::{DateTime, TimeDelta, Utc};
use mailglass_webhooks::{Error, KeyError, Provider, Request, VerificationError, Webhook, mailgun};

const KEY: &str = "4e1f0a7b2d9c48e3a6f5b1c0d7e8f9a2";
const OTHER: &str = "00000000000000000000000000000000";

fn now() -> DateTime<Utc> {
    "2026-11-20T09:30:00Z".parse().unwrap()
}

fn webhook(keys: &[&str]) -> Webhook {
    Webhook::new("acme", mailgun::SigningKeys::new(keys).unwrap())
}

fn body() -> String {
    let sample = Provider::Mailgun.sign(KEY, "", Provider::Mailgun.sample_body().as_bytes(), now());
    String::from_utf8(sample.unwrap().body).unwrap()
}

fn verify(webhook: &Webhook, body: &str, now: DateTime<Utc>) -> Result<(), VerificationError> {
    match webhook.verify(&Request::new(body.as_bytes()), now) {
        Ok(_) => Ok(()),
        Err(Error::Unverified { source, .. }) => Err(source),
        Err(error) => panic!("{error}"),
    }
}

/// The text of a member of the signature, replaced.
fn with(member: &str, change: impl Fn(&str) -> String) -> String {
    let mut body: serde_json::Value = serde_json::from_str(&body()).unwrap();
    let old = body["signature"][member].as_str().unwrap().to_owned();
    body["signature"][member] = change(&old).into();
    body.to_string()
}

fn flip_last(text: &str) -> String {
    let (start, last) = text.split_at(text.len() - 1);
    format!("{start}{}", if last == "0" { "1" } else { "0" })
}

#[test]
fn a_signed_request_passes_and_is_read() {
    let body = body();
    let request = Request::new(body.as_bytes());
    let received = webhook(&[KEY]).verify(&request, now()).unwrap().normalize().unwrap();
    let report = received.into_iter().next().unwrap().report().unwrap();
    assert_eq!(
        report.provider_message_id.as_deref(),
        Some("<20261105163353.1.7C2E9A41B0D35F68@example.com>")
    );
}

#[test]
fn a_signature_that_openssl_made_passes() {
    // printf 1534108637651869375b9df3c98fc15c4889b102119add1235c38fc92824 | openssl dgst -sha256 -hmac TEST_WEBHOOK_SIGNING_KEY
    let body = r#"{"signature": {
        "timestamp": "1534108637",
        "token": "651869375b9df3c98fc15c4889b102119add1235c38fc92824",
        "signature": "2a75affe24846ead9e37e614a5e7643a04abf4d5b49b34d224ede9af23a00ccc"
    }}"#;
    let then = DateTime::from_timestamp(1_534_108_640, 0).unwrap();
    verify(&webhook(&["TEST_WEBHOOK_SIGNING_KEY"]), body, then).unwrap();
}

#[test]
fn the_key_of_the_primary_account_verifies_the_event_of_a_subaccount() {
    let sign = |key: &str| {
        let body = Provider::Mailgun.sample_body().as_bytes();
        let sample = Provider::Mailgun.sign(key, "", body, now()).unwrap();
        serde_json::from_slice::<serde_json::Value>(&sample.body).unwrap()
    };
    let mut body = sign(OTHER);
    body["signature"]["parent-signature"] = sign(KEY)["signature"]["signature"].clone();
    let body = body.to_string();
    verify(&webhook(&[KEY]), &body, now()).unwrap();
    verify(&webhook(&[OTHER]), &body, now()).unwrap();
    let outcome = verify(&webhook(&["neither"]), &body, now());
    assert!(matches!(outcome, Err(VerificationError::Mismatch(_))), "{outcome:?}");
}

#[test]
fn any_of_several_keys_passes() {
    verify(&webhook(&[OTHER, KEY]), &body(), now()).unwrap();
    verify(&webhook(&[KEY, OTHER]), &body(), now()).unwrap();
}

#[test]
fn another_key_or_a_changed_signature_time_or_token_does_not_match() {
    let mismatch = |outcome| assert!(matches!(outcome, Err(VerificationError::Mismatch(_))), "{outcome:?}");
    mismatch(verify(&webhook(&[OTHER]), &body(), now()));
    mismatch(verify(&webhook(&[KEY]), &with("signature", flip_last), now()));
    mismatch(verify(&webhook(&[KEY]), &with("timestamp", flip_last), now()));
    mismatch(verify(&webhook(&[KEY]), &with("token", flip_last), now()));
    // A shorter signature is not a prefix that fits.
    mismatch(verify(
        &webhook(&[KEY]),
        &with("signature", |text| text[..62].to_owned()),
        now(),
    ));
    mismatch(verify(&webhook(&[KEY]), &with("signature", |_| "00".to_owned()), now()));
}

#[test]
fn the_signature_may_have_capitals() {
    verify(&webhook(&[KEY]), &with("signature", str::to_uppercase), now()).unwrap();
}

#[test]
fn a_request_without_a_signature_or_with_a_malformed_one_is_refused() {
    for body in [
        "{}",
        "[]",
        "{\"signature\":{}}",
        "{\"signature\":\"abc\"}",
        "",
        "event=delivered",
    ] {
        let outcome = verify(&webhook(&[KEY]), body, now());
        let refused = matches!(outcome, Err(VerificationError::Missing(_)));
        assert!(refused, "{body}: {outcome:?}");
    }
    for body in [with("signature", |_| "not hexadecimal".to_owned()), "{".to_owned()] {
        let outcome = verify(&webhook(&[KEY]), &body, now());
        assert!(matches!(outcome, Err(VerificationError::Malformed(_))), "{outcome:?}");
    }
    let missing = with("token", |_| String::new());
    assert!(matches!(
        verify(&webhook(&[KEY]), &missing, now()),
        Err(VerificationError::Missing(_))
    ));
}

#[test]
fn a_request_outside_the_window_is_a_replay() {
    let hours = TimeDelta::hours(9);
    let second = TimeDelta::seconds(1);
    for inside in [now() + hours, now() - hours] {
        verify(&webhook(&[KEY]), &body(), inside).unwrap();
    }
    for outside in [now() + hours + second, now() - hours - second] {
        let outcome = verify(&webhook(&[KEY]), &body(), outside);
        assert!(matches!(outcome, Err(VerificationError::Expired { .. })), "{outcome:?}");
    }
}

#[test]
fn a_signed_form_is_refused_by_name() {
    let body: serde_json::Value = serde_json::from_str(&body()).unwrap();
    let field = |name: &str| body["signature"][name].as_str().unwrap().to_owned();
    let end = format!(
        "timestamp={}&token={}&signature={}",
        field("timestamp"),
        field("token"),
        field("signature")
    );
    let outcome = |start: &str| {
        // The sender's own field of this name is the first.
        let body = format!("{start}&token=mine&{end}");
        let request = Request::new(body.as_bytes());
        webhook(&[KEY])
            .verify(&request, now())
            .unwrap()
            .normalize()
            .unwrap_err()
    };
    let legacy = outcome("event=delivered&recipient=ann%40example.com");
    assert!(matches!(legacy, Error::Malformed { .. }), "{legacy}");
    assert!(legacy.to_string().contains("legacy"), "{legacy}");
    let inbound = outcome("recipient=ann%40example.com&body-plain=Hello");
    assert!(matches!(inbound, Error::Inbound { .. }), "{inbound}");
}

#[test]
fn keys_are_checked_and_not_shown() {
    let none = mailgun::SigningKeys::new([""; 0]);
    assert!(matches!(none, Err(KeyError::None(_))));
    assert!(matches!(mailgun::SigningKeys::new([" "]), Err(KeyError::Empty(_))));
    assert!(!format!("{:?}", mailgun::SigningKeys::new([KEY]).unwrap()).contains(KEY));
}
