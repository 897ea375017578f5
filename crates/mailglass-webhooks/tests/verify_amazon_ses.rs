//! The signatures of Amazon SNS. The messages of `vectors/amazon_ses` were signed by `openssl dgst -sign`; their certificate is
//! valid from 2026 to 2036.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use mailglass::EventType;
use mailglass_webhooks::amazon_ses::{self, Topics};
use mailglass_webhooks::{Error, KeyError, Provider, Received, Request, VerificationError, Webhook};
use serde_json::Value;

const PRIVATE: &str = include_str!("vectors/amazon_ses/private.pem");
const CERTIFICATE: &str = include_str!("vectors/amazon_ses/certificate.pem");
const OTHER: &str = include_str!("vectors/amazon_ses/other-certificate.pem");
const NOTIFICATION_1: &str = include_str!("vectors/amazon_ses/notification-1.json");
const NOTIFICATION_2: &str = include_str!("vectors/amazon_ses/notification-2.json");
const WITHOUT_SUBJECT: &str = include_str!("vectors/amazon_ses/without-subject-1.json");
const CONFIRMATION_1: &str = include_str!("vectors/amazon_ses/confirmation-1.json");
const CONFIRMATION_2: &str = include_str!("vectors/amazon_ses/confirmation-2.json");

const VECTORS: [&str; 5] = [
    NOTIFICATION_1,
    NOTIFICATION_2,
    WITHOUT_SUBJECT,
    CONFIRMATION_1,
    CONFIRMATION_2,
];
const TOPIC: &str = "arn:aws:sns:eu-central-1:123456789012:ses-events";
const URL: &str =
    "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem";

fn now() -> DateTime<Utc> {
    "2026-11-20T09:30:00Z".parse().unwrap()
}

fn webhook(certificates: &[&str]) -> Webhook {
    Webhook::new("acme", Topics::with_certificates([TOPIC], certificates).unwrap())
}

fn verify_at(webhook: &Webhook, body: &str, now: DateTime<Utc>) -> Result<(), VerificationError> {
    match webhook.verify(&Request::new(body.as_bytes()), now) {
        Ok(_) => Ok(()),
        Err(Error::Unverified { source, .. }) => Err(source),
        Err(error) => panic!("{error}"),
    }
}

fn verify(webhook: &Webhook, body: &str) -> Result<(), VerificationError> {
    verify_at(webhook, body, now())
}

fn with(body: &str, member: &str, value: impl Into<Value>) -> String {
    let mut body: Value = serde_json::from_str(body).unwrap();
    body[member] = value.into();
    body.to_string()
}

fn without(body: &str, member: &str) -> String {
    let mut body: Value = serde_json::from_str(body).unwrap();
    body.as_object_mut().unwrap().remove(member).unwrap();
    body.to_string()
}

fn mismatch(outcome: Result<(), VerificationError>) {
    assert!(matches!(outcome, Err(VerificationError::Mismatch(_))), "{outcome:?}");
}

#[test]
fn messages_that_openssl_signed_pass_in_both_versions() {
    for body in VECTORS {
        verify(&webhook(&[CERTIFICATE]), body).unwrap();
    }
}

#[test]
fn a_signed_sample_passes_and_is_read() {
    let sample = Provider::AmazonSes.sign(PRIVATE, "", Provider::AmazonSes.sample_body().as_bytes(), now());
    let sample = sample.unwrap();
    let webhook = webhook(&[CERTIFICATE]);
    let request = sample.request();
    let received = webhook.verify(&request, now()).unwrap().normalize().unwrap();
    let report = received.into_iter().next().unwrap().report().unwrap();
    assert_eq!(report.event_type, EventType::Delivered);
}

#[test]
fn an_event_without_an_envelope_is_signed_in_one() {
    let event = r#"{"eventType":"Send","mail":{"timestamp":"2026-11-20T09:29:58Z","messageId":"a"}}"#;
    let sign = || Provider::AmazonSes.sign(PRIVATE, "", event.as_bytes(), now()).unwrap();
    let (first, second) = (sign(), sign());
    assert_eq!(first.body, second.body);
    let body = String::from_utf8(first.body).unwrap();
    verify(&webhook(&[CERTIFICATE]), &body).unwrap();
}

#[test]
fn any_of_several_certificates_passes() {
    for certificates in [[OTHER, CERTIFICATE], [CERTIFICATE, OTHER]] {
        verify(&webhook(&certificates), NOTIFICATION_1).unwrap();
    }
}

#[test]
fn another_certificate_or_any_changed_member_does_not_match() {
    for body in VECTORS {
        mismatch(verify(&webhook(&[OTHER]), body));
        for member in ["Message", "MessageId", "Timestamp", "Subject", "SubscribeURL", "Token"] {
            let parsed: Value = serde_json::from_str(body).unwrap();
            if let Some(value) = parsed[member].as_str() {
                // A time that is another text, and the same time.
                mismatch(verify(
                    &webhook(&[CERTIFICATE]),
                    &with(body, member, format!("{value} ")),
                ));
            }
        }
    }
    let unsubscribe = with(CONFIRMATION_1, "Type", "UnsubscribeConfirmation");
    mismatch(verify(&webhook(&[CERTIFICATE]), &unsubscribe));
    mismatch(verify(&webhook(&[CERTIFICATE]), &without(NOTIFICATION_1, "Subject")));
    mismatch(verify(
        &webhook(&[CERTIFICATE]),
        &with(WITHOUT_SUBJECT, "Subject", "Hello"),
    ));
    // The hash is part of the signature.
    mismatch(verify(
        &webhook(&[CERTIFICATE]),
        &with(NOTIFICATION_1, "SignatureVersion", "2"),
    ));
    mismatch(verify(
        &webhook(&[CERTIFICATE]),
        &with(NOTIFICATION_2, "SignatureVersion", "1"),
    ));
}

#[test]
fn a_changed_signature_does_not_match() {
    let parsed: Value = serde_json::from_str(NOTIFICATION_2).unwrap();
    let signature = parsed["Signature"].as_str().unwrap();
    let first = if signature.starts_with('A') { "B" } else { "A" };
    let changed = format!("{first}{}", &signature[1..]);
    for signature in [changed.as_str(), "AAAA"] {
        mismatch(verify(
            &webhook(&[CERTIFICATE]),
            &with(NOTIFICATION_2, "Signature", signature),
        ));
    }
}

#[test]
fn a_body_without_a_signed_member_is_refused() {
    for member in [
        "Message",
        "MessageId",
        "Timestamp",
        "TopicArn",
        "Type",
        "Signature",
        "SignatureVersion",
    ] {
        let outcome = verify(&webhook(&[CERTIFICATE]), &without(NOTIFICATION_1, member));
        assert!(
            matches!(outcome, Err(VerificationError::Missing(_))),
            "{member}: {outcome:?}"
        );
    }
    for member in ["SubscribeURL", "Token"] {
        let outcome = verify(&webhook(&[CERTIFICATE]), &without(CONFIRMATION_1, member));
        assert!(
            matches!(outcome, Err(VerificationError::Missing(_))),
            "{member}: {outcome:?}"
        );
    }
    // Neither raw messages nor EventBridge are signed.
    for body in [
        "{}",
        r#"{"eventType":"Send"}"#,
        r#"{"detail-type":"Email Sent","detail":{}}"#,
    ] {
        let outcome = verify(&webhook(&[CERTIFICATE]), body);
        assert!(
            matches!(outcome, Err(VerificationError::Missing(_))),
            "{body}: {outcome:?}"
        );
    }
}

#[test]
fn a_malformed_body_or_signature_is_refused() {
    for body in [
        "",
        "[]",
        "hello",
        &with(NOTIFICATION_1, "Signature", "%"),
        &with(NOTIFICATION_1, "SignatureVersion", "3"),
        &with(NOTIFICATION_1, "Type", "Invitation"),
    ] {
        let outcome = verify(&webhook(&[CERTIFICATE]), body);
        assert!(
            matches!(outcome, Err(VerificationError::Malformed(_))),
            "{body}: {outcome:?}"
        );
    }
}

#[test]
fn members_of_an_unsigned_form_do_not_replace_what_is_signed() {
    let mut body: Value = serde_json::from_str(NOTIFICATION_2).unwrap();
    body["detail-type"] = "Email Bounced".into();
    body["detail"] = serde_json::json!({ "eventType": "Bounce", "bounce": {} });
    body["eventType"] = "Bounce".into();
    let body = body.to_string();
    let webhook = webhook(&[CERTIFICATE]);
    let request = Request::new(body.as_bytes()).header("x-amz-sns-message-id", "another");
    let received = webhook.verify(&request, now()).unwrap().normalize().unwrap();
    let report = received.into_iter().next().unwrap().report().unwrap();
    assert_eq!(report.reported, "Send");
    assert_eq!(
        report.idempotency_key,
        "@4:acme:amazon_ses:6c1f0d3a-52be-5e0f-9a47-0d8b1e7c2f64:0"
    );
}

#[test]
fn a_member_that_is_repeated_is_the_same_for_the_signature_and_the_event() {
    let forged = NOTIFICATION_2.replacen(
        '{',
        r#"{"Message": "{\"eventType\":\"Bounce\"}", "Type": "Notification","#,
        1,
    );
    let webhook = webhook(&[CERTIFICATE]);
    let request = Request::new(forged.as_bytes());
    let received = webhook.verify(&request, now()).unwrap().normalize().unwrap();
    assert_eq!(received.into_iter().next().unwrap().report().unwrap().reported, "Send");
}

#[test]
fn a_topic_of_others_is_refused_before_its_certificate_is_fetched() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let topics = Topics::fetching(["arn:aws:sns:eu-central-1:210987654321:other"], move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok(CERTIFICATE.into())
    });
    let webhook = Webhook::new("acme", topics.unwrap());
    for body in VECTORS {
        let outcome = verify(&webhook, body);
        let refused = matches!(&outcome, Err(VerificationError::NotAllowed { value, .. }) if value == TOPIC);
        assert!(refused, "{outcome:?}");
    }
    assert_eq!(calls.load(Ordering::Relaxed), 0);
}

#[test]
fn a_message_outside_the_window_is_a_replay() {
    let window = TimeDelta::minutes(65);
    let second = TimeDelta::seconds(1);
    for inside in [now() + window, now() - window] {
        verify_at(&webhook(&[CERTIFICATE]), NOTIFICATION_1, inside).unwrap();
    }
    for outside in [now() + window + second, now() - window - second] {
        let outcome = verify_at(&webhook(&[CERTIFICATE]), NOTIFICATION_1, outside);
        assert!(matches!(outcome, Err(VerificationError::Expired { .. })), "{outcome:?}");
    }
}

#[test]
fn a_certificate_that_is_not_valid_at_the_time_is_refused() {
    for time in ["2025-12-31T23:59:59Z", "2037-01-01T00:00:00Z", "1969-12-31T00:00:00Z"] {
        let outcome = verify_at(&webhook(&[CERTIFICATE]), NOTIFICATION_1, time.parse().unwrap());
        assert!(matches!(outcome, Err(VerificationError::Certificate(_))), "{outcome:?}");
    }
}

#[test]
fn the_certificate_is_fetched_from_the_checked_url() {
    let topics = Topics::fetching([TOPIC], |url| {
        assert_eq!(url, URL);
        Ok(CERTIFICATE.into())
    });
    let webhook = Webhook::new("acme", topics.unwrap());
    verify(&webhook, NOTIFICATION_1).unwrap();
    assert_eq!(
        amazon_ses::certificate_url(&Request::new(NOTIFICATION_1.as_bytes())).unwrap(),
        URL
    );
}

#[test]
fn a_foreign_url_is_never_fetched() {
    let topics = Topics::fetching([TOPIC], |url| panic!("{url} is fetched"));
    let webhook = Webhook::new("acme", topics.unwrap());
    for url in [
        "http://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0a.pem",
        "https://sns.eu-central-1.amazonaws.com.example.com/SimpleNotificationService-0a.pem",
        "https://example.com/sns.eu-central-1.amazonaws.com/SimpleNotificationService-0a.pem",
        "https://sns.eu-central-1.amazonaws.com@example.com/SimpleNotificationService-0a.pem",
        "https://sns.eu-central-1.amazonaws.com:8443/SimpleNotificationService-0a.pem",
        "https://example.com#.sns.eu-central-1.amazonaws.com/SimpleNotificationService-0a.pem",
        "https://example.com\\.sns.eu-central-1.amazonaws.com/SimpleNotificationService-0a.pem",
        "https://bucket.s3.amazonaws.com/SimpleNotificationService-0a.pem",
        "https://sns.s3.bucket.amazonaws.com/SimpleNotificationService-0a.pem",
        "https://sns.amazonaws.com/SimpleNotificationService-0a.pem",
        "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0a.pem?x=.pem",
        "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-../a.pem",
        "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-.pem",
        "https://sns.eu-central-1.amazonaws.com/?Action=GetMyPem&a=SimpleNotificationService-0a.pem",
        "https://SNS.eu-central-1.amazonaws.com/SimpleNotificationService-0a.pem",
        " https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0a.pem",
        "file:///etc/passwd",
    ] {
        let body = with(NOTIFICATION_1, "SigningCertURL", url);
        let outcome = verify(&webhook, &body);
        let foreign = matches!(&outcome, Err(VerificationError::ForeignCertificate(given)) if given == url);
        assert!(foreign, "{outcome:?}");
        let outcome = amazon_ses::certificate_url(&Request::new(body.as_bytes()));
        assert!(
            matches!(outcome, Err(VerificationError::ForeignCertificate(_))),
            "{outcome:?}"
        );
    }
    let outcome = verify(&webhook, &without(NOTIFICATION_1, "SigningCertURL"));
    assert!(matches!(outcome, Err(VerificationError::Missing(_))), "{outcome:?}");
}

#[test]
fn the_region_may_be_in_china() {
    let url = "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-0a.pem";
    let body = with(NOTIFICATION_1, "SigningCertURL", url);
    assert_eq!(
        amazon_ses::certificate_url(&Request::new(body.as_bytes())).unwrap(),
        url
    );
}

#[test]
fn a_certificate_that_can_not_be_fetched_or_read_is_an_error_of_its_own() {
    let failing = Topics::fetching([TOPIC], |_| Err("connection refused".into()));
    let webhook = Webhook::new("acme", failing.unwrap());
    let error = webhook.receive(&Request::new(NOTIFICATION_1.as_bytes())).unwrap_err();
    assert_eq!(error.status(), 503);
    let outcome = verify(&webhook, NOTIFICATION_1);
    let unavailable = matches!(outcome, Err(VerificationError::CertificateUnavailable(_)));
    assert!(unavailable, "{outcome:?}");
    for pem in [
        "",
        "<html>",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        PRIVATE,
    ] {
        let topics = Topics::fetching([TOPIC], move |_| Ok(pem.into()));
        let outcome = verify(&Webhook::new("acme", topics.unwrap()), NOTIFICATION_1);
        assert!(matches!(outcome, Err(VerificationError::Certificate(_))), "{outcome:?}");
    }
}

#[test]
fn a_verified_confirmation_has_its_url() {
    let webhook = webhook(&[CERTIFICATE]);
    let request = Request::new(CONFIRMATION_2.as_bytes());
    let received = webhook.verify(&request, now()).unwrap().normalize().unwrap();
    let [Received::Confirmation(confirmation)] = &received[..] else {
        panic!("{received:?}");
    };
    assert_eq!(confirmation.kind, "SubscriptionConfirmation");
    assert_eq!(confirmation.topic, TOPIC);
    assert!(
        confirmation
            .url
            .starts_with("https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription")
    );
}

#[test]
fn topics_and_certificates_are_checked() {
    let none = Topics::with_certificates([""; 0], [CERTIFICATE]);
    assert!(matches!(none, Err(KeyError::None("topic"))));
    let none = Topics::with_certificates([TOPIC], [""; 0]);
    assert!(matches!(none, Err(KeyError::None("certificate"))));
    for topic in [
        "",
        "*",
        "ses-events",
        "arn:aws:sns:eu-central-1:123456789012:*",
        "arn:aws:sqs:eu-central-1:1:a",
    ] {
        let outcome = Topics::with_certificates([topic], [CERTIFICATE]);
        assert!(
            matches!(outcome, Err(KeyError::Malformed { .. })),
            "{topic}: {outcome:?}"
        );
    }
    for pem in ["", "AAAA", PRIVATE] {
        let outcome = Topics::with_certificates([TOPIC], [pem]);
        assert!(matches!(outcome, Err(KeyError::Malformed { .. })), "{outcome:?}");
    }
    assert!(format!("{:?}", Topics::with_certificates([TOPIC], [CERTIFICATE]).unwrap()).contains(TOPIC));
}
