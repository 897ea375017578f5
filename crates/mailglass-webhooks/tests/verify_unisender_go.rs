//! The signatures of Unisender Go.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use chrono::Utc;
use mailglass_webhooks::VerificationError::{self, Malformed, Mismatch, Missing};
use mailglass_webhooks::{Error, KeyError, Provider, Request, Webhook, unisender_go};

const KEY: &str = "6yjstx9gwi7qj8eni6m77hfiiw6aifmss154y4ze";

fn verify(keys: &[&str], body: &[u8]) -> Result<(), VerificationError> {
    let webhook = Webhook::new("acme", unisender_go::ApiKeys::new(keys).unwrap());
    match webhook.verify(&Request::new(body), Utc::now()) {
        Ok(_) => Ok(()),
        Err(Error::Unverified { source, .. }) => Err(source),
        Err(error) => panic!("{error}"),
    }
}

fn signed(body: &str) -> String {
    let sample = Provider::UnisenderGo
        .sign(KEY, "", body.as_bytes(), Utc::now())
        .unwrap();
    String::from_utf8(sample.body).unwrap()
}

#[test]
fn only_the_exact_body_with_its_signature_is_verified() {
    let body = signed(Provider::UnisenderGo.sample_body());
    assert!(verify(&[KEY], body.as_bytes()).is_ok());
    assert!(verify(&["another", KEY], body.as_bytes()).is_ok(), "the second key");
    assert!(matches!(verify(&["another"], body.as_bytes()), Err(Mismatch(_))));
    for place in 0..body.len() {
        let mut changed = body.clone().into_bytes();
        changed[place] ^= 1;
        assert!(verify(&[KEY], &changed).is_err(), "byte {place}");
    }
    let start = body.find("\"auth\": \"").unwrap() + "\"auth\": \"".len();
    for place in start..start + 32 {
        let other = if &body[place..=place] == "0" { "1" } else { "0" };
        let changed = format!("{}{other}{}", &body[..place], &body[place + 1..]);
        assert!(
            matches!(verify(&[KEY], changed.as_bytes()), Err(Mismatch(_))),
            "digit {place}"
        );
    }
    let changed = body.replace("john@example.com", "jane@example.com");
    assert!(matches!(verify(&[KEY], changed.as_bytes()), Err(Mismatch(_))));
    let uppercase = format!(
        "{}{}{}",
        &body[..start],
        body[start..start + 32].to_uppercase(),
        &body[start + 32..]
    );
    assert!(verify(&[KEY], uppercase.as_bytes()).is_ok());
}

#[test]
fn the_place_of_auth_and_the_spaces_do_not_matter() {
    let auth = "00000000000000000000000000000000";
    for body in [
        format!(r#"{{"events_by_user":[],"auth":"{auth}"}}"#),
        format!("\n{{ \"auth\" :\t\"{auth}\" , \"events_by_user\" : [ ] }}\n"),
        // The value occurs elsewhere as well.
        format!(r#"{{"a":"{auth}","auth":"{auth}","events_by_user":[{{"auth":"{auth}"}}]}}"#),
        format!(r#"{{"auth":"{auth}","metadata":{{"can_be":"Метаданные","escaped":"\u041c\/"}}}}"#),
    ] {
        let body = signed(&body);
        assert!(verify(&[KEY], body.as_bytes()).is_ok(), "{body}");
        assert!(
            matches!(verify(&["another"], body.as_bytes()), Err(Mismatch(_))),
            "{body}"
        );
    }
    let changed = signed(&format!(r#"{{"user_id":1,"auth":"{auth}"}}"#)).replace(":1,", ":2,");
    assert!(matches!(verify(&[KEY], changed.as_bytes()), Err(Mismatch(_))));
}

/// MD5 can be continued by whoever knows a digest: the padding and anything else can be appended to a body that was signed. Such a
/// body is no JSON.
#[test]
fn what_is_appended_to_a_signed_body_is_refused() {
    let body = signed(Provider::UnisenderGo.sample_body());
    for appended in [&b"\x80\0\0"[..], b" {}", b"x"] {
        let longer = [body.as_bytes(), appended].concat();
        assert!(matches!(verify(&[KEY], &longer), Err(Malformed(_))));
    }
    assert!(matches!(
        verify(&[KEY], format!("{body} ").as_bytes()),
        Err(Mismatch(_))
    ));
}

#[test]
fn a_body_without_a_signature_is_refused() {
    assert!(matches!(verify(&[KEY], b"{}"), Err(Missing(_))));
    assert!(matches!(verify(&[KEY], br#"{"auth":null}"#), Err(Missing(_))));
    let zero = r#""00000000000000000000000000000000""#;
    let twice = format!(r#"{{"auth":{zero},"auth":{zero}}}"#);
    let malformed = [
        "",
        "null",
        "7",
        "auth=1",
        "[]",
        &twice,
        r#"{"auth":""}"#,
        r#"{"auth":" "}"#,
        r#"{"auth":":"}"#,
        r#"{"auth":"{"}"#,
        r#"{"auth":"\""}"#,
        r#"{"auth":0}"#,
        r#"{"auth":[]}"#,
        r#"{"auth":{}}"#,
        r#"{"auth":"00"}"#,
        r#"{"auth":"0000000000000000000000000000000g"}"#,
        r#"{"auth":"000000000000000000000000000000000"}"#,
        r#"{"auth":"0000000000000000000000000000\u0030"}"#,
    ];
    for body in malformed {
        assert!(matches!(verify(&[KEY], body.as_bytes()), Err(Malformed(_))), "{body}");
    }
}

/// From the tests of Anymail, whose key was revoked.
#[test]
fn a_body_that_unisender_go_has_sent_is_verified() {
    let body = br#"{"auth":"b3cb4d6aef9d07095805c39e792e0542","events_by_user":[{"user_id":5960727,"project_name":"Testing","project_id":"6862471","events":[{"event_name":"transactional_email_status","event_data":{"job_id":"1sn15Z-0007Le-GtVN","email":"unisendergo@anymail.dev","status":"clicked","event_time":"2024-09-08 19:56:41","url":"https:\/\/example.com","delivery_info":{"user_agent":"Mozilla\/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit\/537.36 (KHTML, like Gecko) Chrome\/128.0.0.0 Safari\/537.36","ip":"66.179.153.169"}}}]}]}"#;
    assert!(verify(&["6mjstx9gwi7qj8eni6m77hfiiw6aifmss154y4ze"], body).is_ok());
    assert!(matches!(verify(&[KEY], body), Err(Mismatch(_))));
}

#[test]
fn keys_are_checked_and_not_printed() {
    assert!(matches!(unisender_go::ApiKeys::new([""; 0]), Err(KeyError::None(_))));
    assert!(matches!(unisender_go::ApiKeys::new([KEY, ""]), Err(KeyError::Empty(_))));
    assert!(!format!("{:?}", unisender_go::ApiKeys::new([KEY]).unwrap()).contains("6yj"));
}
