//! SendGrid's signature.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use mailglass_webhooks::VerificationError::{Expired, Malformed, Mismatch, Missing};
use mailglass_webhooks::{Error, KeyError, Provider, Request, Sample, VerificationError, Webhook, sendgrid};

// Made for this test.
const PRIVATE: &str = include_str!("keys/sendgrid_1.pem");
const PUBLIC: &str = include_str!("keys/sendgrid_1.pub");
const OTHER: &str = include_str!("keys/sendgrid_2.pub");

const SIGNATURE: &str = "X-Twilio-Email-Event-Webhook-Signature";
const TIMESTAMP: &str = "X-Twilio-Email-Event-Webhook-Timestamp";

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn now() -> DateTime<Utc> {
    at(1_794_000_000)
}

fn signed() -> Sample {
    Provider::SendGrid
        .sign(PRIVATE, "", br#"[{"event":"open","timestamp":1794000000}]"#, now())
        .unwrap()
}

fn webhook(keys: &[&str]) -> Webhook {
    Webhook::new("acme", sendgrid::PublicKeys::new(keys).unwrap())
}

fn verify(webhook: &Webhook, request: &Request<'_>, now: DateTime<Utc>) -> Result<(), VerificationError> {
    match webhook.verify(request, now) {
        Ok(_) => Ok(()),
        Err(Error::Unverified { source, .. }) => Err(source),
        Err(other) => panic!("{other}"),
    }
}

/// The outcome of the signed request after a change.
fn changed(change: impl FnOnce(&mut Sample)) -> Result<(), VerificationError> {
    let mut sample = signed();
    change(&mut sample);
    verify(&webhook(&[PUBLIC]), &sample.request(), now())
}

fn header<'a>(sample: &'a mut Sample, name: &str) -> &'a mut String {
    let found = sample.headers.iter_mut().find(|(there, _)| there == name);
    &mut found.unwrap().1
}

#[test]
fn a_signed_request_passes() {
    changed(|_| ()).unwrap();
}

#[test]
fn the_second_of_two_keys_passes() {
    let webhook = webhook(&[OTHER, PUBLIC]);
    verify(&webhook, &signed().request(), now()).unwrap();
}

#[test]
fn a_key_as_pem_passes() {
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}-----END PUBLIC KEY-----\n", PUBLIC);
    verify(&webhook(&[&pem]), &signed().request(), now()).unwrap();
}

#[test]
fn another_key_does_not_match() {
    let outcome = verify(&webhook(&[OTHER]), &signed().request(), now());
    assert!(matches!(outcome, Err(Mismatch(_))), "{outcome:?}");
}

#[test]
fn one_changed_bit_does_not_match() {
    for index in 0..signed().body.len() {
        let outcome = changed(|sample| sample.body[index] ^= 1);
        assert!(matches!(outcome, Err(Mismatch(_))), "{index}: {outcome:?}");
    }
    let outcome = changed(|sample| sample.body.push(b'\n'));
    assert!(matches!(outcome, Err(Mismatch(_))), "{outcome:?}");
    let outcome = changed(|sample| *header(sample, TIMESTAMP) = "1794000001".to_owned());
    assert!(matches!(outcome, Err(Mismatch(_))), "{outcome:?}");
    // The same time in another form.
    let outcome = changed(|sample| header(sample, TIMESTAMP).push_str(".0"));
    assert!(matches!(outcome, Err(Mismatch(_))), "{outcome:?}");
    // A character in the middle of the base64.
    let outcome = changed(|sample| {
        let signature = header(sample, SIGNATURE);
        let other = if signature.as_bytes()[40] == b'A' { "B" } else { "A" };
        signature.replace_range(40..41, other);
    });
    assert!(matches!(outcome, Err(Mismatch(_))), "{outcome:?}");
}

#[test]
fn a_missing_or_duplicated_header_is_missing() {
    for name in [SIGNATURE, TIMESTAMP] {
        let outcome = changed(|sample| sample.headers.retain(|(there, _)| there != name));
        assert!(
            matches!(outcome, Err(Missing(missing)) if missing == name),
            "{outcome:?}"
        );
        let outcome = changed(|sample| {
            let twice = header(sample, name).clone();
            sample.headers.push((name.to_ascii_lowercase(), twice));
        });
        assert!(
            matches!(outcome, Err(Missing(missing)) if missing == name),
            "{outcome:?}"
        );
    }
}

#[test]
fn a_malformed_header_is_malformed() {
    let outcome = changed(|sample| *header(sample, SIGNATURE) = "no base64".to_owned());
    assert!(matches!(outcome, Err(Malformed(_))), "{outcome:?}");
    for time in ["", "yesterday", "99999999999999999999"] {
        // The time is read after the signature, which is about its text.
        let outcome = changed(|sample| *header(sample, TIMESTAMP) = time.to_owned());
        assert!(matches!(outcome, Err(Mismatch(_))), "{outcome:?}");
    }
    // Base64 of what is no signature.
    for signature in ["", "AAAA", "MAYCAQACAQA="] {
        let outcome = changed(|sample| *header(sample, SIGNATURE) = signature.to_owned());
        assert!(matches!(outcome, Err(Mismatch(_))), "{outcome:?}");
    }
}

#[test]
fn a_request_expires_after_25_hours() {
    let hours = TimeDelta::hours(25);
    let outcome = |now| verify(&webhook(&[PUBLIC]), &signed().request(), now);
    outcome(now() + hours).unwrap();
    outcome(now() - hours).unwrap();
    let ago = outcome(now() + hours + TimeDelta::seconds(1));
    assert!(
        matches!(
            ago,
            Err(Expired {
                seconds: 90_001,
                direction: "ago",
                tolerance: 90_000
            })
        ),
        "{ago:?}"
    );
    let ahead = outcome(now() - hours - TimeDelta::seconds(1));
    assert!(matches!(ahead, Err(Expired { direction: "ahead", .. })), "{ahead:?}");
}

#[test]
fn a_webhook_has_its_own_tolerance() {
    let webhook = webhook(&[PUBLIC]).tolerance(Duration::from_secs(300));
    verify(&webhook, &signed().request(), now() + TimeDelta::seconds(300)).unwrap();
    let late = verify(&webhook, &signed().request(), now() + TimeDelta::seconds(301));
    assert!(matches!(late, Err(Expired { tolerance: 300, .. })), "{late:?}");
}

/// The vector of SendGrid's own libraries.
#[test]
fn the_published_vector_passes() {
    let key = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==";
    let body = concat!(
        r#"[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address","#,
        r#""sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA","#,
        r#""sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0","#,
        r#""smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]"#,
        "\r\n"
    );
    let request = Request::new(body.as_bytes())
        .header(
            SIGNATURE,
            "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM=",
        )
        .header(TIMESTAMP, "1600112502");
    let webhook = webhook(&[key]);
    let verified = webhook.verify(&request, at(1_600_112_502)).unwrap();
    let report = verified.normalize().unwrap().remove(0).report().unwrap();
    assert_eq!(report.provider_message_id.as_deref(), Some("LRzXl_NHStOGhQ4kofSm_A"));
}

#[test]
fn a_key_that_is_none_is_refused() {
    let refused = |keys: &[&str]| sendgrid::PublicKeys::new(keys).unwrap_err();
    assert!(matches!(refused(&[]), KeyError::None(_)));
    assert!(matches!(refused(&[" \n"]), KeyError::Empty(_)));
    let of_p384 = "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE6Y5P8DFSWCM5dOH9m2wqquXmaKcJH8nMyUXTyfgF8xgv0v8Ch3OF7U6xtSZhczv+cqvC0OvoxVddCqb3wumY1LVDEeZPGQI6+tKdALpGWykJ/2WajrcfBxLthQmkxNZ6";
    for key in ["not base64!", "AAAA", of_p384, PRIVATE] {
        assert!(matches!(refused(&[PUBLIC, key]), KeyError::Malformed { .. }), "{key}");
    }
}

#[test]
fn debug_prints_no_key() {
    let keys = sendgrid::PublicKeys::new([PUBLIC, OTHER]).unwrap();
    assert_eq!(format!("{keys:?}"), "PublicKeys(2)");
}
