//! The signatures of MailerSend.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "support/body_mac.rs"]
mod body_mac;

use body_mac::{SECRET, signature, verify};
use mailglass_webhooks::{Provider, Received, Request, VerificationError, Webhook, mailersend};

const HEADER: &str = "Signature";

/// MailerSend publishes it.
const TEST_SECRET: &str = "test_Am3L1GuOIc4blLUuHqAPxxwkZaJyEk8G";

fn webhook() -> Webhook {
    Webhook::new("acme", mailersend::SigningSecrets::new([SECRET]).unwrap())
}

#[test]
fn only_the_exact_body_with_its_signature_is_verified() {
    body_mac::check(Provider::MailerSend, HEADER, |secrets| {
        mailersend::SigningSecrets::new(secrets)
    });
}

#[test]
fn the_test_of_the_url_is_a_ping_with_either_secret() {
    let body = br#"{"type":"webhook.test","message":"This is a ping test message","created_at":"2026-11-05T07:24:20.577080Z"}"#;
    for secret in [TEST_SECRET, SECRET] {
        let signature = signature(Provider::MailerSend, secret, body);
        let request = Request::new(body).header(HEADER, &signature);
        let received = webhook().receive(&request).unwrap();
        assert!(matches!(received[..], [Received::Ping]));
    }
}

#[test]
fn the_published_secret_verifies_nothing_else() {
    let refused = [
        Provider::MailerSend.sample_body(),
        r#"{"type":"webhook.test","type":"activity.delivered","created_at":"2026-11-05T07:24:20Z"}"#,
        r#"{"type":"activity.delivered","type":"webhook.test","created_at":"2026-11-05T07:24:20Z"}"#,
        r#"{"data":{"type":"webhook.test"}}"#,
        r#"{"type":"webhook.test"} {"type":"activity.delivered"}"#,
    ];
    for body in refused {
        let signature = signature(Provider::MailerSend, TEST_SECRET, body.as_bytes());
        let outcome = verify(&webhook(), HEADER, body.as_bytes(), &[&signature]);
        assert!(matches!(outcome, Err(VerificationError::Mismatch(_))), "{body}");
    }
}
