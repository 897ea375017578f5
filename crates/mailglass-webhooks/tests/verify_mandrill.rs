//! Mandrill's signature.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use chrono::{DateTime, TimeDelta, Utc};
use mailglass_webhooks::VerificationError::{Malformed, Mismatch, Missing};
use mailglass_webhooks::{Error, KeyError, Provider, Received, Request, Sample, VerificationError, Webhook, mandrill};

const URL: &str = "https://example.com/webhooks/mandrill";
const KEY: &str = "a6bX5xoKHjZwq3RPjyA7dw";
const SIGNATURE: &str = "X-Mandrill-Signature";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_794_000_000, 0).unwrap()
}

fn signed_with(key: &str, body: &[u8]) -> Sample {
    Provider::Mandrill.sign(key, URL, body, now()).unwrap()
}

fn signed() -> Sample {
    signed_with(KEY, Provider::Mandrill.sample_body().as_bytes())
}

fn webhook(url: &str, keys: &[&str]) -> Webhook {
    Webhook::new("acme", mandrill::Keys::new(url, keys).unwrap())
}

fn verify(webhook: &Webhook, request: &Request<'_>) -> Result<(), VerificationError> {
    match webhook.verify(request, now()) {
        Ok(_) => Ok(()),
        Err(Error::Unverified { source, .. }) => Err(source),
        Err(other) => panic!("{other}"),
    }
}

/// The outcome of the signed request after a change.
fn changed(change: impl FnOnce(&mut Sample)) -> Result<(), VerificationError> {
    let mut sample = signed();
    change(&mut sample);
    verify(&webhook(URL, &[KEY]), &sample.request())
}

fn signature(sample: &mut Sample) -> &mut String {
    let found = sample.headers.iter_mut().find(|(there, _)| there == SIGNATURE);
    &mut found.unwrap().1
}

#[test]
fn a_signed_request_passes_at_any_time() {
    changed(|_| ()).unwrap();
    let sample = signed();
    let webhook = webhook(URL, &[KEY]);
    assert!(webhook.verify(&sample.request(), now() + TimeDelta::days(30)).is_ok());
}

#[test]
fn the_second_of_two_keys_passes() {
    verify(&webhook(URL, &["another", KEY]), &signed().request()).unwrap();
}

#[test]
fn another_key_does_not_match() {
    let outcome = verify(&webhook(URL, &["another"]), &signed().request());
    assert!(matches!(outcome, Err(Mismatch(_))), "{outcome:?}");
}

#[test]
fn another_url_does_not_match() {
    for url in [
        "https://example.com/webhooks/mandrill/",
        "http://example.com/webhooks/mandrill",
        "https://user:secret@example.com/webhooks/mandrill",
    ] {
        let outcome = verify(&webhook(url, &[KEY]), &signed().request());
        assert!(matches!(outcome, Err(Mismatch(_))), "{outcome:?}");
    }
}

/// The URL that the verifier was given counts, not that of the request, which a proxy may have changed.
#[test]
fn the_url_of_the_request_does_not_matter() {
    let sample = signed();
    verify(
        &webhook(URL, &[KEY]),
        &sample.request().url("http://10.0.0.7:8080/mandrill"),
    )
    .unwrap();
}

#[test]
fn one_changed_bit_does_not_match() {
    // Not percent-encoded: there, `%5b` is the same as `%5B`.
    let plain = signed_with(KEY, br#"mandrill_events=[{"event":"open","ts":1794000000,"_id":"a"}]"#);
    for index in 0..plain.body.len() {
        let mut sample = plain.clone();
        sample.body[index] ^= 1;
        let outcome = verify(&webhook(URL, &[KEY]), &sample.request());
        assert!(matches!(outcome, Err(Mismatch(_))), "{index}: {outcome:?}");
    }
    let outcome = changed(|sample| sample.body.extend(b"&more=1"));
    assert!(matches!(outcome, Err(Mismatch(_))), "{outcome:?}");
    let outcome = changed(|sample| {
        let signature = signature(sample);
        let other = if signature.as_bytes()[9] == b'A' { "B" } else { "A" };
        signature.replace_range(9..10, other);
    });
    assert!(matches!(outcome, Err(Mismatch(_))), "{outcome:?}");
}

#[test]
fn a_missing_or_duplicated_header_is_missing() {
    let outcome = changed(|sample| sample.headers.retain(|(there, _)| there != SIGNATURE));
    assert!(matches!(outcome, Err(Missing(SIGNATURE))), "{outcome:?}");
    let outcome = changed(|sample| {
        let twice = signature(sample).clone();
        sample.headers.push((SIGNATURE.to_ascii_lowercase(), twice));
    });
    assert!(matches!(outcome, Err(Missing(SIGNATURE))), "{outcome:?}");
}

#[test]
fn a_malformed_signature_is_malformed() {
    let outcome = changed(|sample| *signature(sample) = "no base64".to_owned());
    assert!(matches!(outcome, Err(Malformed(_))), "{outcome:?}");
    for text in ["", "AAAA"] {
        let outcome = changed(|sample| *signature(sample) = text.to_owned());
        assert!(matches!(outcome, Err(Mismatch(_))), "{outcome:?}");
    }
    // A part of the right one.
    let outcome = changed(|sample| signature(sample).truncate(24));
    assert!(matches!(outcome, Err(Mismatch(_))), "{outcome:?}");
}

/// Computed with Python's `hmac`: the fields in the order of their names, decoded, behind a URL with a password and a query.
#[test]
fn the_fields_are_signed_in_the_order_of_their_names() {
    let body = "z=&mandrill_events=%5B%7B%22event%22%3A%22send%22%2C%22ts%22%3A1794000000%2C%22_id%22%3A%22%C3%A9%22%2C%22msg%22%3A%7B%7D%7D%5D&a=1+2";
    let request = Request::new(body.as_bytes()).header(SIGNATURE, "2sl3Ai/2yVn6TnkuuQOb2Eligvk=");
    let webhook = webhook("https://user:secret@example.com/webhooks/mandrill?shop=1", &["k3y"]);
    let verified = webhook.verify(&request, now()).unwrap();
    let report = verified.normalize().unwrap().remove(0).report().unwrap();
    assert_eq!(report.provider_message_id.as_deref(), Some("é"));
}

#[test]
fn the_test_with_an_empty_list_passes_with_the_key_that_everybody_knows() {
    let request = Request::new(b"mandrill_events=%5B%5D").header(SIGNATURE, "RkoiKvvb1/ST8DFDdTB9MQGqorM=");
    let webhook = webhook(URL, &[KEY]);
    let received = webhook.verify(&request, now()).unwrap().normalize().unwrap();
    assert!(matches!(received[..], [Received::Ping]), "{received:?}");
}

#[test]
fn nothing_else_passes_with_the_key_that_everybody_knows() {
    let sample_body = Provider::Mandrill.sample_body();
    for body in [
        sample_body,
        "mandrill_events=%5B%5D&a=1",
        "mandrill_events=%5B0%5D",
        "events=%5B%5D",
        "",
    ] {
        let sample = signed_with("test-webhook", body.as_bytes());
        let outcome = verify(&webhook(URL, &[KEY]), &sample.request());
        assert!(matches!(outcome, Err(Mismatch(_))), "{body}: {outcome:?}");
    }
    // Also not for another URL, or with any other key.
    let sample = signed_with("test-webhook", b"mandrill_events=%5B%5D");
    let outcome = verify(&webhook("https://example.com/", &[KEY]), &sample.request());
    assert!(matches!(outcome, Err(Mismatch(_))), "{outcome:?}");
    let sample = signed_with("another", b"mandrill_events=%5B%5D");
    let outcome = verify(&webhook(URL, &[KEY]), &sample.request());
    assert!(matches!(outcome, Err(Mismatch(_))), "{outcome:?}");
}

#[test]
fn a_key_or_url_that_is_none_is_refused() {
    let refused = |url: &str, keys: &[&str]| mandrill::Keys::new(url, keys).unwrap_err();
    assert!(matches!(refused(URL, &[]), KeyError::None(_)));
    assert!(matches!(refused(URL, &[KEY, ""]), KeyError::Empty(_)));
    assert!(matches!(refused("", &[KEY]), KeyError::Empty(_)));
}

#[test]
fn debug_prints_no_secret() {
    let keys = mandrill::Keys::new("https://user:secret@example.com/", [KEY]).unwrap();
    assert_eq!(format!("{keys:?}"), "Keys(1)");
}
