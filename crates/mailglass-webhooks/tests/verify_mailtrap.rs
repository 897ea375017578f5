//! The signatures of Mailtrap.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "support/body_mac.rs"]
mod body_mac;

use mailglass_webhooks::{Provider, Webhook, mailtrap};

const HEADER: &str = "Mailtrap-Signature";

#[test]
fn only_the_exact_body_with_its_signature_is_verified() {
    body_mac::check(Provider::Mailtrap, HEADER, |secrets| {
        mailtrap::SigningSecrets::new(secrets)
    });
}

/// Mailtrap's own libraries are tested with it.
#[test]
fn the_published_vector_is_verified() {
    let body = r#"{"event":"delivery","sending_stream":"transactional","category":"welcome","message_id":"a8b1d8f6-1f8d-4a3c-9b2e-1a2b3c4d5e6f","email":"recipient@example.com","event_id":"f1e2d3c4-b5a6-7890-1234-567890abcdef","timestamp":1716070000}"#;
    let signature = "6d262e2611cd09be1f948382b5c611d63b0e585c4c9c5e40139d6ac3876d5433";
    let secrets = mailtrap::SigningSecrets::new(["8d9a3c0e7f5b2d4a6c1e9f8b3a7d5c2e"]).unwrap();
    let webhook = Webhook::new("acme", secrets);
    assert!(body_mac::verify(&webhook, HEADER, body.as_bytes(), &[signature]).is_ok());
}
