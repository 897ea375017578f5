//! The signatures of Resend.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use chrono::{DateTime, TimeDelta, Utc};
use mailglass_webhooks::{Error, KeyError, Provider, Request, Sample, VerificationError, Webhook, resend};

const SECRET: &str = "whsec_bWFpbGdsYXNzLXdlYmhvb2tzLXRlc3Q=";
const OTHER: &str = "whsec_b3RoZXItc2VjcmV0LW9mLW1haWxnbGFzcw==";

fn now() -> DateTime<Utc> {
    "2026-11-20T09:30:00Z".parse().unwrap()
}

fn webhook(secrets: &[&str]) -> Webhook {
    Webhook::new("acme", resend::SigningSecrets::new(secrets).unwrap())
}

fn sample() -> Sample {
    let body = Provider::Resend.sample_body().as_bytes();
    Provider::Resend.sign(SECRET, "", body, now()).unwrap()
}

fn verify(webhook: &Webhook, sample: &Sample, now: DateTime<Utc>) -> Result<(), VerificationError> {
    verify_request(webhook, &sample.request(), now)
}

fn verify_request(webhook: &Webhook, request: &Request<'_>, now: DateTime<Utc>) -> Result<(), VerificationError> {
    match webhook.verify(request, now) {
        Ok(_) => Ok(()),
        Err(Error::Unverified { source, .. }) => Err(source),
        Err(error) => panic!("{error}"),
    }
}

fn with(name: &str, change: impl Fn(&str) -> String) -> Sample {
    let mut sample = sample();
    let (_, value) = sample.headers.iter_mut().find(|(there, _)| there == name).unwrap();
    *value = change(value);
    sample
}

#[test]
fn the_published_example_of_svix_passes() {
    let webhook = webhook(&["whsec_plJ3nmyCDGBKInavdOK15jsl"]);
    let request = Request::new(br#"{"event_type":"ping","data":{"success":true}}"#)
        .header("svix-id", "msg_loFOjxBNrRLzqYUf")
        .header("svix-timestamp", "1731705121")
        .header("svix-signature", "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=");
    let then = DateTime::from_timestamp(1_731_705_121, 0).unwrap();
    verify_request(&webhook, &request, then).unwrap();
}

#[test]
fn the_key_of_a_signed_request_is_its_id() {
    let sample = sample();
    let request = sample.request();
    let webhook = webhook(&[SECRET]);
    let received = webhook.verify(&request, now()).unwrap().normalize().unwrap();
    let report = received.into_iter().next().unwrap().report().unwrap();
    let (_, id) = sample.headers.iter().find(|(name, _)| name == "svix-id").unwrap();
    assert_eq!(report.idempotency_key, format!("@4:acme:resend:{id}"));
}

#[test]
fn any_of_several_secrets_and_signatures_passes() {
    verify(&webhook(&[OTHER, SECRET]), &sample(), now()).unwrap();
    verify(&webhook(&[SECRET, OTHER]), &sample(), now()).unwrap();
    let several = with("svix-signature", |signature| {
        format!("v1a,AAAA v1,AAAA v1,not-base64 {signature} v2,AAAA")
    });
    verify(&webhook(&[SECRET]), &several, now()).unwrap();
}

#[test]
fn another_secret_or_a_changed_request_does_not_match() {
    let mismatch = |outcome| assert!(matches!(outcome, Err(VerificationError::Mismatch(_))), "{outcome:?}");
    mismatch(verify(&webhook(&[OTHER]), &sample(), now()));
    let mut changed = sample();
    changed.body[20] ^= 1;
    mismatch(verify(&webhook(&[SECRET]), &changed, now()));
    mismatch(verify(
        &webhook(&[SECRET]),
        &with("svix-id", |id| format!("{id}0")),
        now(),
    ));
    mismatch(verify(
        &webhook(&[SECRET]),
        &with("svix-timestamp", |time| format!("{time}.0")),
        now(),
    ));
    let flip = |signature: &str| {
        let (start, end) = signature.split_at(10);
        let first = if end.starts_with('A') { 'B' } else { 'A' };
        format!("{start}{first}{}", &end[1..])
    };
    mismatch(verify(&webhook(&[SECRET]), &with("svix-signature", flip), now()));
    mismatch(verify(
        &webhook(&[SECRET]),
        &with("svix-signature", |_| "v1,AAAA".to_owned()),
        now(),
    ));
}

#[test]
fn a_header_that_is_missing_or_occurs_twice_is_refused() {
    for name in ["svix-id", "svix-timestamp", "svix-signature"] {
        let mut without = sample();
        without.headers.retain(|(there, _)| there != name);
        let mut twice = sample();
        let header = twice.headers.iter().find(|(there, _)| there == name).unwrap().clone();
        twice.headers.push(header);
        for sample in [without, twice] {
            let outcome = verify(&webhook(&[SECRET]), &sample, now());
            assert!(matches!(outcome, Err(VerificationError::Missing(there)) if there == name));
        }
    }
}

#[test]
fn a_malformed_signature_is_refused() {
    for signature in ["", "v1", "v1,%", "v2,AAAA", "AAAA"] {
        let outcome = verify(
            &webhook(&[SECRET]),
            &with("svix-signature", |_| signature.to_owned()),
            now(),
        );
        assert!(matches!(outcome, Err(VerificationError::Malformed(_))), "{outcome:?}");
    }
}

#[test]
fn a_request_outside_the_window_is_a_replay() {
    let minutes = TimeDelta::minutes(5);
    let second = TimeDelta::seconds(1);
    for inside in [now() + minutes, now() - minutes] {
        verify(&webhook(&[SECRET]), &sample(), inside).unwrap();
    }
    for outside in [now() + minutes + second, now() - minutes - second] {
        let outcome = verify(&webhook(&[SECRET]), &sample(), outside);
        assert!(matches!(outcome, Err(VerificationError::Expired { .. })), "{outcome:?}");
    }
}

#[test]
fn secrets_are_checked_and_not_shown() {
    assert!(matches!(resend::SigningSecrets::new([""; 0]), Err(KeyError::None(_))));
    assert!(matches!(
        resend::SigningSecrets::new(["whsec_"]),
        Err(KeyError::Empty(_))
    ));
    let malformed = resend::SigningSecrets::new(["whsec_%"]);
    assert!(matches!(malformed, Err(KeyError::Malformed { .. })));
    let shown = format!("{:?}", resend::SigningSecrets::new([SECRET]).unwrap());
    assert_eq!(shown, "SigningSecrets(1 secrets)");
}
