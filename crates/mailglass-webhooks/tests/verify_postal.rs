//! The signatures of Postal. Those with SHA-1 and with an old key were made by `openssl dgst -sign`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use chrono::{DateTime, Utc};
use mailglass_webhooks::{Error, KeyError, Provider, Request, Sample, VerificationError, Webhook, postal};

const PRIVATE: &str = include_str!("vectors/postal/private.pem");
const PUBLIC: &str = include_str!("vectors/postal/public.pem");
/// A key with 1024 bits, as in a DKIM record.
const OLD: &str = include_str!("vectors/postal/old-public.txt");
const BODY: &[u8] = include_bytes!("vectors/postal/body.json");
const OLD_SHA1: &str = include_str!("vectors/postal/old-sha1.txt");
const OLD_SHA256: &str = include_str!("vectors/postal/old-sha256.txt");
const SHA1: &str = include_str!("vectors/postal/sha1.txt");

fn now() -> DateTime<Utc> {
    "2026-11-20T09:30:00Z".parse().unwrap()
}

fn webhook(keys: &[&str]) -> Webhook {
    Webhook::new("acme", postal::PublicKeys::new(keys).unwrap())
}

fn sample() -> Sample {
    Provider::Postal.sign(PRIVATE, "", BODY, now()).unwrap()
}

fn verify(webhook: &Webhook, request: &Request<'_>) -> Result<(), VerificationError> {
    match webhook.verify(request, now()) {
        Ok(_) => Ok(()),
        Err(Error::Unverified { source, .. }) => Err(source),
        Err(error) => panic!("{error}"),
    }
}

fn mismatch(outcome: Result<(), VerificationError>) {
    assert!(matches!(outcome, Err(VerificationError::Mismatch(_))), "{outcome:?}");
}

#[test]
fn a_signed_request_passes_and_is_read() {
    let body = Provider::Postal.sample_body().as_bytes();
    let sample = Provider::Postal.sign(PRIVATE, "", body, now()).unwrap();
    let webhook = webhook(&[PUBLIC]);
    let request = sample.request();
    let received = webhook.verify(&request, now()).unwrap().normalize().unwrap();
    let report = received.into_iter().next().unwrap().report().unwrap();
    assert_eq!(report.provider_message_id.as_deref(), Some("1563"));
}

#[test]
fn any_of_several_keys_passes() {
    for keys in [[OLD, PUBLIC], [PUBLIC, OLD]] {
        verify(&webhook(&keys), &sample().request()).unwrap();
    }
}

#[test]
fn a_key_is_read_from_a_dkim_record() {
    let record = format!("v=DKIM1; t=s; h=sha256; p={OLD};");
    let request = Request::new(BODY).header("x-postal-signature-256", OLD_SHA256);
    verify(&webhook(&[&record]), &request).unwrap();
}

#[test]
fn signatures_of_openssl_with_sha_1_and_with_1024_bits_pass() {
    for (key, name, signature) in [
        (OLD, "X-Postal-Signature", OLD_SHA1),
        (OLD, "X-Postal-Signature-256", OLD_SHA256),
        (PUBLIC, "X-Postal-Signature", SHA1),
    ] {
        verify(&webhook(&[key]), &Request::new(BODY).header(name, signature)).unwrap();
    }
}

#[test]
fn a_signature_with_sha_1_does_not_replace_one_with_sha_256_that_does_not_match() {
    let request = Request::new(BODY)
        .header("X-Postal-Signature-256", OLD_SHA1)
        .header("X-Postal-Signature", OLD_SHA1);
    mismatch(verify(&webhook(&[OLD]), &request));
    let both = Request::new(BODY)
        .header("X-Postal-Signature-256", OLD_SHA256)
        .header("X-Postal-Signature", "AAAA");
    verify(&webhook(&[OLD]), &both).unwrap();
}

#[test]
fn another_key_or_a_changed_body_or_signature_does_not_match() {
    mismatch(verify(&webhook(&[OLD]), &sample().request()));
    let mut changed = sample();
    changed.body[20] ^= 1;
    mismatch(verify(&webhook(&[PUBLIC]), &changed.request()));
    let mut changed = sample();
    let signature = &mut changed.headers.last_mut().unwrap().1;
    let first = if signature.starts_with('A') { "B" } else { "A" };
    signature.replace_range(0..1, first);
    mismatch(verify(&webhook(&[PUBLIC]), &changed.request()));
    for signature in ["AAAA", OLD_SHA1] {
        let request = Request::new(BODY).header("X-Postal-Signature", signature);
        mismatch(verify(&webhook(&[PUBLIC]), &request));
    }
}

#[test]
fn a_header_that_is_missing_or_occurs_twice_is_refused() {
    let twice = Request::new(BODY)
        .header("X-Postal-Signature-256", OLD_SHA256)
        .header("x-postal-signature-256", OLD_SHA256)
        .header("X-Postal-Signature", OLD_SHA1);
    for request in [Request::new(BODY), twice] {
        let outcome = verify(&webhook(&[OLD]), &request);
        assert!(matches!(outcome, Err(VerificationError::Missing(_))), "{outcome:?}");
    }
}

#[test]
fn a_malformed_signature_is_refused() {
    let request = Request::new(BODY).header("X-Postal-Signature-256", "not Base64");
    let outcome = verify(&webhook(&[PUBLIC]), &request);
    assert!(matches!(outcome, Err(VerificationError::Malformed(_))), "{outcome:?}");
}

#[test]
fn keys_are_checked() {
    assert!(matches!(postal::PublicKeys::new([""; 0]), Err(KeyError::None(_))));
    assert!(matches!(postal::PublicKeys::new(["\n"]), Err(KeyError::Empty(_))));
    for key in ["%", "AAAA", PRIVATE] {
        let outcome = postal::PublicKeys::new([key]);
        assert!(matches!(outcome, Err(KeyError::Malformed { .. })), "{outcome:?}");
    }
    let shown = format!("{:?}", postal::PublicKeys::new([PUBLIC]).unwrap());
    assert_eq!(shown, "PublicKeys(1 keys)");
}
