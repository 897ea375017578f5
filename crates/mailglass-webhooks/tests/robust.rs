//! No body makes the crate panic, and what it reads of a damaged one is an event that mailglass accepts.
//!
//! The bodies are those of `tests/payloads`, damaged, and those of `tests/corpus`, which once were read wrongly.
//! `MAILGLASS_WEBHOOK_CASES` is the number of bodies for each provider and kind of damage.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::path::Path;
use std::{env, fs};

use mailglass::NewEvent;
use mailglass_webhooks::{Error, MAX_BODY_BYTES, MAX_EVENTS, Provider, Received, Request};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use support::{TENANT, bodies, files, normalize};

fn runner() -> TestRunner {
    let cases = env::var("MAILGLASS_WEBHOOK_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(300);
    TestRunner::new(ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    })
}

/// Every body of a provider's payloads.
fn corpus(provider: Provider) -> Vec<Vec<u8>> {
    let corpus: Vec<_> = files(provider).iter().flat_map(|path| bodies(path)).collect();
    assert!(!corpus.is_empty(), "{provider} has no payloads");
    corpus
}

/// Reads a body, and checks what is read. The same body is read in the same way again.
fn read(provider: Provider, body: &[u8]) -> Result<(), TestCaseError> {
    let outcome = normalize(provider, body);
    let again = normalize(provider, body);
    prop_assert_eq!(format!("{outcome:?}"), format!("{again:?}"));
    for received in outcome.into_iter().flatten() {
        if let Received::Report(report) = received {
            let key = report.idempotency_key.clone();
            prop_assert!(key.starts_with("@4:acme:"), "{}", key);
            let event = NewEvent::from(*report);
            prop_assert!(event.validate().is_ok(), "{:?}", event.validate());
        }
    }
    Ok(())
}

#[test]
fn arbitrary_bytes_are_read_or_refused() {
    for provider in Provider::ALL {
        let bytes = prop::collection::vec(any::<u8>(), 0..400);
        runner()
            .run(&bytes, |body| read(*provider, &body))
            .unwrap_or_else(|error| panic!("{provider}: {error}"));
    }
}

#[test]
fn a_body_with_changed_removed_and_repeated_bytes_is_read_or_refused() {
    let change = (any::<Index>(), any::<u8>(), 0..3_u8);
    for provider in Provider::ALL {
        let corpus = corpus(*provider);
        let damaged = (any::<Index>(), prop::collection::vec(change.clone(), 1..12));
        let outcome = runner().run(&damaged, |(which, changes)| {
            let mut body = which.get(&corpus).clone();
            for (place, byte, kind) in changes {
                if body.is_empty() {
                    break;
                }
                let place = place.index(body.len());
                match kind {
                    0 => body[place] = byte,
                    1 => drop(body.remove(place)),
                    _ => body.insert(place, byte),
                }
            }
            read(*provider, &body)
        });
        outcome.unwrap_or_else(|error| panic!("{provider}: {error}"));
    }
}

/// Values that a provider should not send.
fn odd() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(|number| Value::from(number.to_string())),
        "\\PC{0,20}".prop_map(Value::from),
        "[\u{0}-\u{1f}\"\\\\]{1,5}".prop_map(Value::from),
        Just(json!("x".repeat(70_000))),
        Just(json!("\0")),
        Just(json!([])),
        Just(json!({})),
        Just(json!([{ "email": "ann@example.com" }, 7, null])),
        Just(json!("Ann <ann@example.com>")),
        Just(json!("9999999999999999999999")),
        Just(json!(-1)),
    ]
}

/// All places of a value that a test can replace.
fn places(value: &Value, here: &str, places: &mut Vec<String>) {
    places.push(here.to_owned());
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                self::places(member, &format!("{here}/{name}"), places);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                self::places(item, &format!("{here}/{index}"), places);
            }
        }
        _ => {}
    }
}

/// The JSON of a body. Mandrill's is in a form.
fn json_of(provider: Provider, body: &[u8]) -> Option<Value> {
    if provider != Provider::Mandrill {
        return serde_json::from_slice(body).ok();
    }
    let (_, json) = form_urlencoded::parse(body).find(|(name, _)| name == "mandrill_events")?;
    serde_json::from_str(&json).ok()
}

fn body_of(provider: Provider, json: &Value) -> Vec<u8> {
    let json = json.to_string();
    if provider != Provider::Mandrill {
        return json.into_bytes();
    }
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("mandrill_events", &json).finish().into_bytes()
}

#[test]
fn a_body_with_values_of_other_types_is_read_or_refused() {
    for provider in Provider::ALL {
        let corpus: Vec<Value> = corpus(*provider)
            .iter()
            .filter_map(|body| json_of(*provider, body))
            .collect();
        let damaged = (any::<Index>(), prop::collection::vec((any::<Index>(), odd()), 1..4));
        let outcome = runner().run(&damaged, |(which, changes)| {
            let mut body = which.get(&corpus).clone();
            for (place, value) in changes {
                let mut all = Vec::new();
                places(&body, "", &mut all);
                if let Some(there) = body.pointer_mut(place.get::<String>(&all)) {
                    *there = value;
                }
            }
            read(*provider, &body_of(*provider, &body))
        });
        outcome.unwrap_or_else(|error| panic!("{provider}: {error}"));
    }
}

#[test]
fn bodies_that_were_once_read_wrongly_are_read_or_refused() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let files: Vec<_> = fs::read_dir(corpus).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(!files.is_empty());
    for path in files {
        let body = fs::read(&path).unwrap();
        for provider in Provider::ALL {
            read(*provider, &body).unwrap_or_else(|error| panic!("{}: {provider}: {error}", path.display()));
        }
    }
}

#[test]
fn a_body_above_a_limit_is_refused_before_it_is_parsed() {
    for provider in Provider::ALL {
        let body = vec![b'['; MAX_BODY_BYTES + 1];
        let request = Request::new(&body);
        let outcome = provider.assume_verified(TENANT, &request).normalize();
        assert!(
            matches!(outcome, Err(Error::TooLarge { unit: "bytes", .. })),
            "{provider}"
        );
    }
}

#[test]
fn a_body_that_is_nested_too_deeply_is_refused_or_unreadable() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let in_object = format!("{{\"a\":{deep}}}");
    for body in [
        deep.clone(),
        in_object.clone(),
        format!("[{in_object}]"),
        format!("[{{}},{in_object}]"),
    ] {
        for provider in Provider::ALL {
            let received = normalize(*provider, body.as_bytes()).unwrap_or_default();
            assert!(
                !received.iter().any(|received| matches!(received, Received::Report(_))),
                "{provider}"
            );
        }
    }
}

#[test]
fn more_events_than_a_batch_are_refused() {
    let many = format!("[{}]", vec!["{}"; MAX_EVENTS + 1].join(","));
    let refused = Provider::ALL
        .iter()
        .filter(|provider| {
            matches!(
                normalize(**provider, many.as_bytes()),
                Err(Error::TooLarge { unit: "events", .. })
            )
        })
        .count();
    assert!(refused >= 3, "only {refused} providers send lists");
}
