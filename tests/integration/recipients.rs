//! A recipient is one bare address, which can be used in a header or an SMTP command without escaping.

use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use mailglass::{EventType, NewDelivery, NewEvent, ledger};
use proptest::prelude::*;
use serde_json::json;

use crate::support::generate::for_all;
use crate::support::{at, connected, event, insert, sweep_now, to, wrong_fields};

fn message(recipient: &str) -> String {
    to(recipient).validate().unwrap_err().to_string()
}

#[test]
fn anything_but_one_bare_address_is_rejected_with_the_reason() {
    let long_local_part = format!("{}@example.com", "a".repeat(65));
    let long_label = format!("ann@{}.com", "e".repeat(64));
    let long_domain = format!("ann@{}com", "example.".repeat(32));
    let cases = [
        ("ann", "has no @"),
        ("@example.com", "has nothing before its @"),
        ("ann@", "has no domain after its last @"),
        (
            "ann\r\nBcc: evil@example.com",
            "has a control character (U+000D) at byte 3",
        ),
        ("a\x7f\x01\t@b", "has a control character (U+007F) at byte 1"),
        ("a\u{85}b@example.com", "has a control character (U+0085) at byte 1"),
        ("ann smith@example.com", "has white space (U+0020) at byte 3"),
        ("\"ann smith\"@example.com", "has white space (U+0020) at byte 4"),
        (" ann@example.com", "has white space (U+0020) at byte 0"),
        ("ann@exa\u{a0}mple.com", "has white space (U+00A0) at byte 7"),
        ("ann\u{2028}@example.com", "has white space (U+2028) at byte 3"),
        ("Ann <ann@example.com>", "has white space (U+0020) at byte 3"),
        ("<ann@example.com", "has `<` at byte 0"),
        ("ann@example.com>", "has `>` at byte 15"),
        ("ann@example.com,bob@example.com", "has `@` at byte 3"),
        ("a,b@example.com", "has `,` at byte 1"),
        ("a;b@example.com", "has `;` at byte 1"),
        ("mailto:ann@example.com", "has `:` at byte 6"),
        ("ann(home)@example.com", "has `(` at byte 3"),
        ("ann@example.com(home)", "has `(` at byte 15"),
        ("a\"b@example.com", "has `\"` at byte 1"),
        ("ann\u{ff20}evil.com@example.com", "has `\u{ff20}` (U+FF20) at byte 3"),
        ("ann@example\u{3002}com", "has `\u{3002}` (U+3002) at byte 11"),
        ("ann..smith@example.com", "has a misplaced dot before its last @"),
        (".ann@example.com", "has a misplaced dot before its last @"),
        ("ann@example..com", "has an empty label in its domain"),
        ("ann@example.com.", "has an empty label in its domain"),
        (
            "ann@-example.com",
            "has a label in its domain that begins or ends with neither a letter nor a digit",
        ),
        ("ann@[127.0.0.1]", "has an IP address instead of a domain"),
        ("\"\"@example.com", "has nothing before its last @"),
        ("\"a\"b\"@example.com", "has a malformed quoted part before its last @"),
        (&long_local_part, "has more than 64 bytes before its last @"),
        (&long_label, "has a label of more than 63 characters in its domain"),
        (&long_domain, "has a domain of more than 254 characters"),
    ];
    for (recipient, expected) in cases {
        let found = message(recipient);
        let start = format!("invalid input: recipient {expected}");
        assert!(found.starts_with(&start), "{recipient:?}: {found}");
        let named = event(EventType::Sent, 1).recipient(recipient);
        assert_eq!(named.validate().unwrap_err().to_string(), found, "{recipient:?}");
        let in_metadata = event(EventType::Sent, 1).metadata(json!({ "recipient": recipient }));
        let error = in_metadata.validate().unwrap_err().to_string();
        assert_eq!(
            error,
            found.replace("recipient ", "metadata.recipient "),
            "{recipient:?}"
        );
    }
    assert_eq!(
        message("ann@example.com, bob@example.com"),
        "invalid input: recipient has white space (U+0020) at byte 16: give one bare address, such as ann@example.com",
    );
}

#[test]
fn attribute_maps_reject_the_same_recipients() {
    let attrs = json!({ "tenant_id": "t", "mailable": "m", "stream": "bulk", "recipient": "a@b\r\nBcc: c@d" });
    assert_eq!(
        wrong_fields(&NewDelivery::from_attrs(attrs).unwrap_err()),
        ["recipient"]
    );
    let attrs = json!({ "tenant_id": "t", "type": "sent", "occurred_at": at(0), "recipient": "<a@b>" });
    assert_eq!(wrong_fields(&NewEvent::from_attrs(attrs).unwrap_err()), ["recipient"]);
}

#[test]
fn every_kind_of_address_is_accepted() {
    let (_database, mut conn) = connected();
    let thai_label = "ศ".repeat(40);
    let cases = [
        ("ann@example.com", "example.com"),
        ("Ann.Smith+news@Sub.Example.COM", "sub.example.com"),
        ("root@localhost", "localhost"),
        ("o'hara_!#$%&*-/=?^`{|}~@example.com", "example.com"),
        ("\"ann@home,<office>\"@example.com", "example.com"),
        ("\"a\\\"b\\\\c\"@example.com", "example.com"),
        ("jörg@EXÄMPLE.de", "exÄmple.de"),
        ("用户@例子.公司", "例子.公司"),
        ("नमस्ते@डाटामेल.भारत", "डाटामेल.भारत"),
        // A label that ends with a mark.
        ("ann@ศูนย์.ไทย", "ศูนย์.ไทย"),
        // More than 63 bytes but at most 63 characters.
        (&format!("ann@{thai_label}.ไทย"), &format!("{thai_label}.ไทย")),
        ("ann@xn--exmple-cua.de", "xn--exmple-cua.de"),
    ];
    for (recipient, domain) in cases {
        let delivery = insert(&mut conn, &to(recipient));
        assert_eq!((&*delivery.recipient, &*delivery.recipient_domain), (recipient, domain));
        event(EventType::Sent, 1).recipient(recipient).validate().unwrap();
    }
}

/// The provider writes the payload, so an invalid recipient in it must not prevent the recording of the event.
#[test]
fn an_invalid_recipient_in_the_payload_does_not_fail_the_event() {
    let (_database, mut conn) = connected();
    let delivery = insert(
        &mut conn,
        &to("ann@example.com").provider("ses").provider_message_id("m-1"),
    );
    for recipient in [
        "Ann <ann@example.com>",
        "ann@example.com, bob@example.com",
        "a\r\nb",
        "",
        " ",
    ] {
        let payload = json!({ "provider": "ses", "provider_message_id": "m-1", "recipient": recipient });
        let reported = event(EventType::Delivered, 1).normalized_payload(payload);
        ledger::record(&mut conn, &[reported]).unwrap();
    }
    sweep_now(&mut conn);
    // An empty recipient counts as absent, so two of the events match the delivery.
    assert_eq!(delivery.timeline(&mut conn).unwrap().len(), 3);
}

/// Text that resembles an address and often contains something invalid.
fn nearly_an_address() -> impl Strategy<Value = String> {
    let part = "[a-zé.ศ์用\"\\\\@ ,;:<>()\\[\\]\r\n\t\u{0}\u{7f}\u{85}\u{a0}\u{200d}\u{2028}\u{3002}\u{ff20}-]{0,8}|[a-z]{1,3}|\\PC{0,6}|.{0,6}";
    prop_oneof![
        (part, part).prop_map(|(local_part, domain)| format!("{local_part}@{domain}")),
        (part, part).prop_map(|(local_part, domain)| format!("\"{local_part}\"@{domain}")),
        any::<String>(),
    ]
}

fn accepted_by_the_check(conn: &mut PgConnection, recipient: &str) -> bool {
    let check = diesel::dsl::sql::<Bool>(
        "(SELECT r LIKE '_%@_%' AND r !~ '[[:cntrl:][:space:]]' AND r COLLATE \"C\" !~ '[[:cntrl:][:space:]]' FROM (SELECT ",
    );
    let check = check.bind::<Text, _>(recipient).sql(" AS r) AS s)");
    diesel::select(check).get_result(conn).unwrap()
}

#[test]
fn an_accepted_recipient_is_one_address_and_satisfies_the_check_constraint() {
    let (_database, mut conn) = connected();
    let mut accepted = 0;
    for_all(4_000, nearly_an_address(), |recipient| {
        let valid = to(&recipient).validate().is_ok();
        prop_assert_eq!(
            event(EventType::Sent, 1)
                .recipient(recipient.clone())
                .validate()
                .is_ok(),
            valid
        );
        if !valid {
            return Ok(());
        }
        accepted += 1;
        prop_assert!(!recipient.contains(|c: char| c.is_control() || c.is_whitespace()));
        let (local_part, domain) = recipient.rsplit_once('@').unwrap();
        prop_assert!(!domain.contains(|c: char| "@,;:<>()[]\"\\ ".contains(c)) && !domain.is_empty());
        let quoted = local_part.len() > 2 && local_part.starts_with('"') && local_part.ends_with('"');
        prop_assert!(quoted || !local_part.contains(|c: char| "@,;:<>()[]\"\\ ".contains(c)));
        prop_assert!(accepted_by_the_check(&mut conn, &recipient));
        let delivery = to(&recipient).insert(&mut conn);
        let delivery = delivery.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(delivery.into_delivery().recipient_domain, domain.to_ascii_lowercase());
        Ok(())
    });
    assert!(accepted > 100, "only {accepted} of 4,000 recipients are valid");
}
