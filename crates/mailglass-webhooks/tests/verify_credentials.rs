//! Credentials, for providers that sign nothing.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use chrono::{DateTime, TimeDelta, Utc};
use mailglass_webhooks::VerificationError::Mismatch;
use mailglass_webhooks::{Credential, Credentials, Error, KeyError, Provider, Request, VerificationError, Webhook};

const PATH: &str = "/webhooks/postmark/d2f1c0b3a4958677";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_794_000_000, 0).unwrap()
}

fn webhook(credentials: impl IntoIterator<Item = Credential>) -> Webhook {
    Webhook::new("acme", Credentials::new(Provider::Postmark, credentials).unwrap())
}

fn verify(webhook: &Webhook, request: &Request<'_>) -> Result<(), VerificationError> {
    match webhook.verify(request, now()) {
        Ok(_) => Ok(()),
        Err(Error::Unverified { source, .. }) => Err(source),
        Err(other) => panic!("{other}"),
    }
}

fn passes(webhook: &Webhook, request: &Request<'_>) {
    verify(webhook, request).unwrap();
}

fn does_not_match(webhook: &Webhook, request: &Request<'_>) {
    let outcome = verify(webhook, request);
    assert!(matches!(outcome, Err(Mismatch(_))), "{outcome:?}");
}

fn request() -> Request<'static> {
    Request::new(b"{}")
}

fn authorized(value: &str) -> Request<'_> {
    request().header("authorization", value)
}

#[test]
fn basic_authentication() {
    let webhook = webhook([Credential::basic("mailglass", "secret").unwrap()]);
    // base64 of `mailglass:secret`
    passes(&webhook, &authorized("Basic bWFpbGdsYXNzOnNlY3JldA=="));
    // The scheme is case-insensitive.
    passes(&webhook, &authorized("basic bWFpbGdsYXNzOnNlY3JldA=="));
    for wrong in [
        "",
        "Basic",
        "Basic ",
        "bWFpbGdsYXNzOnNlY3JldA==",
        "Bearer bWFpbGdsYXNzOnNlY3JldA==",
        // `mailglass:wrong`, `other:secret`, `mailglass:`, `mailglass:secret` without the padding
        "Basic bWFpbGdsYXNzOndyb25n",
        "Basic b3RoZXI6c2VjcmV0",
        "Basic bWFpbGdsYXNzOg==",
        "Basic bWFpbGdsYXNzOnNlY3JldA",
        // The case of a secret matters.
        "Basic BWFpbGdsYXNzOnNlY3JldA==",
    ] {
        does_not_match(&webhook, &authorized(wrong));
    }
    does_not_match(&webhook, &request());
    does_not_match(
        &webhook,
        &request().header("X-Authorization", "Basic bWFpbGdsYXNzOnNlY3JldA=="),
    );
}

#[test]
fn a_password_may_have_a_colon() {
    let webhook = webhook([Credential::basic("mailglass", "se:cret").unwrap()]);
    passes(&webhook, &authorized("Basic bWFpbGdsYXNzOnNlOmNyZXQ="));
}

#[test]
fn a_bearer_token() {
    let webhook = webhook([Credential::bearer("t0k3n").unwrap()]);
    passes(&webhook, &authorized("Bearer t0k3n"));
    passes(&webhook, &authorized("bearer t0k3n"));
    for wrong in [
        "t0k3n",
        "Bearer",
        "Bearer t0k3",
        "Bearer t0k3n2",
        "Bearer T0K3N",
        "Basic t0k3n",
    ] {
        does_not_match(&webhook, &authorized(wrong));
    }
    does_not_match(&webhook, &request());
}

#[test]
fn a_header_of_ones_own() {
    let webhook = webhook([Credential::header("X-Webhook-Secret", "h34der").unwrap()]);
    passes(&webhook, &request().header("x-webhook-secret", "h34der"));
    // Bytes that are not UTF-8 do not panic.
    for wrong in [&b""[..], b"h34de", b"h34der2", b"H34DER", b"\xff\xfe"] {
        does_not_match(&webhook, &request().header("X-Webhook-Secret", wrong));
    }
    does_not_match(&webhook, &request().header("X-Another", "h34der"));
    does_not_match(&webhook, &authorized("h34der"));
}

#[test]
fn a_header_that_occurs_twice_is_ambiguous() {
    let webhook = webhook([Credential::bearer("t0k3n").unwrap()]);
    let twice = authorized("Bearer t0k3n").header("Authorization", "Bearer t0k3n");
    does_not_match(&webhook, &twice);
    let twice = authorized("Bearer t0k3n").header("Authorization", "Bearer another");
    does_not_match(&webhook, &twice);
}

#[test]
fn a_secret_path() {
    let webhook = webhook([Credential::path(PATH).unwrap()]);
    for url in [
        PATH.to_owned(),
        format!("{PATH}?retry=1"),
        format!("{PATH}#top"),
        format!("https://example.com{PATH}"),
        format!("https://user:password@example.com:8443{PATH}?retry=1"),
    ] {
        passes(&webhook, &request().url(&url));
    }
    for url in [
        String::new(),
        "/".to_owned(),
        "https://example.com".to_owned(),
        "/webhooks/postmark/".to_owned(),
        format!("{PATH}/"),
        format!("{PATH}0"),
        PATH.to_uppercase(),
        // The secret elsewhere.
        format!("/webhooks/postmark?secret={PATH}"),
        format!("/other{PATH}"),
    ] {
        does_not_match(&webhook, &request().url(&url));
    }
    does_not_match(&webhook, &request());
}

#[test]
fn each_of_several_credentials_suffices() {
    let webhook = webhook([
        Credential::basic("mailglass", "old").unwrap(),
        Credential::basic("mailglass", "new").unwrap(),
        Credential::path(PATH).unwrap(),
    ]);
    passes(&webhook, &authorized("Basic bWFpbGdsYXNzOm9sZA=="));
    passes(&webhook, &authorized("Basic bWFpbGdsYXNzOm5ldw=="));
    passes(&webhook, &request().url(PATH));
    does_not_match(&webhook, &authorized("Basic bWFpbGdsYXNzOm9sZGVy"));
    // One that fits, beside one that does not.
    passes(&webhook, &authorized("Basic bWFpbGdsYXNzOm9sZGVy").url(PATH));
}

#[test]
fn they_verify_at_any_time_and_the_body_does_not_matter() {
    let webhook = webhook([Credential::bearer("t0k3n").unwrap()]).tolerance(std::time::Duration::ZERO);
    let request = Request::new(b"\xff not json").header("Authorization", "Bearer t0k3n");
    assert!(webhook.verify(&request, now() - TimeDelta::days(365)).is_ok());
}

#[test]
fn the_samples_of_the_providers_without_signatures_pass() {
    for provider in [Provider::Mailjet, Provider::Postmark, Provider::SparkPost] {
        let credential = Credential::basic("mailglass", "secret").unwrap();
        let webhook = Webhook::new("acme", Credentials::new(provider, [credential]).unwrap());
        let body = provider.sample_body().as_bytes();
        let sample = provider.sign("mailglass:secret", "", body, now()).unwrap();
        let received = webhook.receive(&sample.request()).unwrap();
        assert!(!received.is_empty(), "{provider}");
        assert!(
            received.into_iter().all(|received| received.report().is_some()),
            "{provider}"
        );
        let wrong = provider.sign("mailglass:wrong", "", body, now()).unwrap();
        does_not_match(&webhook, &wrong.request());
    }
}

#[test]
fn what_anybody_could_send_is_refused() {
    let none = Credentials::new(Provider::Postmark, []).unwrap_err();
    assert!(matches!(none, KeyError::None(_)), "{none:?}");
    for empty in [
        Credential::basic("mailglass", ""),
        Credential::bearer(""),
        Credential::header("X-Webhook-Secret", ""),
    ] {
        assert!(matches!(empty, Err(KeyError::Empty(_))), "{empty:?}");
    }
    for malformed in [
        Credential::basic("mail:glass", "secret"),
        Credential::path(""),
        Credential::path("/postmark"),
        Credential::path(PATH.trim_start_matches('/')),
    ] {
        assert!(matches!(malformed, Err(KeyError::Malformed { .. })), "{malformed:?}");
    }
}

#[test]
fn debug_prints_no_secret() {
    let credentials = Credentials::new(
        Provider::Postmark,
        [
            Credential::basic("mailglass", "secret").unwrap(),
            Credential::header("X-Webhook-Secret", "h34der").unwrap(),
            Credential::path(PATH).unwrap(),
        ],
    );
    let debug = format!("{:?}", credentials.unwrap());
    for secret in ["secret", "bWFp", "h34der", "d2f1"] {
        assert!(!debug.to_lowercase().contains(&secret.to_lowercase()), "{debug}");
    }
}
