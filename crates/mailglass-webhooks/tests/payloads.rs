//! Every payload of `tests/payloads` is read as its `.expected.json` says.
//!
//! `BLESS=1` writes what is read: look at the
//! difference before you commit it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;
use std::{env, fs};

use mailglass::NewEvent;
use mailglass_webhooks::{Provider, Received};
use serde_json::{Value, json};

use support::{bodies, files, normalize};

/// What is read, with the absent values left out.
fn shown(outcome: Result<Vec<Received>, mailglass_webhooks::Error>) -> Value {
    match outcome {
        Err(error) => json!({ "error": error.to_string(), "status": error.status() }),
        Ok(received) => received.into_iter().map(shown_element).collect(),
    }
}

fn shown_element(received: Received) -> Value {
    match received {
        Received::Report(report) => {
            let mut shown = serde_json::to_value(&*report).unwrap();
            prune(&mut shown);
            shown
        }
        Received::Unreadable(unreadable) => json!({ "unreadable": unreadable.message, "index": unreadable.index }),
        Received::Confirmation(confirmation) => {
            json!({ "confirmation": confirmation.kind, "topic": confirmation.topic, "url": confirmation.url })
        }
        Received::Ping => json!("ping"),
        other => panic!("unknown: {other:?}"),
    }
}

fn prune(value: &mut Value) {
    if let Value::Object(object) = value {
        object.values_mut().for_each(prune);
        object.retain(|_, value| {
            !matches!(value, Value::Null) && *value != json!({}) && *value != json!([]) && *value != ""
        });
    }
}

#[test]
fn every_payload_is_read_as_expected() {
    let mut wrong = Vec::new();
    for provider in Provider::ALL {
        for path in files(*provider) {
            let outcomes: Vec<Value> = bodies(&path)
                .iter()
                .map(|body| shown(normalize(*provider, body)))
                .collect();
            let outcomes = format!("{:#}\n", Value::from(outcomes));
            let expected = path.with_extension("expected.json");
            if env::var_os("BLESS").is_some() {
                fs::write(&expected, outcomes).unwrap();
            } else if fs::read_to_string(&expected).ok().as_deref() != Some(outcomes.as_str()) {
                wrong.push(format!("{} is not read as expected:\n{outcomes}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_mapping_of_every_provider_has_a_payload() {
    let mut without: Vec<String> = Vec::new();
    for provider in Provider::ALL {
        let mut seen = BTreeSet::new();
        for path in files(*provider) {
            for body in bodies(&path) {
                let reports = normalize(*provider, &body)
                    .into_iter()
                    .flatten()
                    .filter_map(Received::report);
                seen.extend(reports.map(|report| (report.reported, report.kind)));
            }
        }
        let mappings = provider.facts().mappings.iter();
        let missing = mappings.filter(|mapping| !seen.contains(&(mapping.event.to_owned(), mapping.kind)));
        without.extend(missing.map(|mapping| format!("{provider}: {} {}", mapping.event, mapping.kind)));
    }
    assert!(without.is_empty(), "no payload for\n{}", without.join("\n"));
}

#[test]
fn a_repeated_request_has_the_same_keys_and_every_event_is_valid() {
    for provider in Provider::ALL {
        for path in files(*provider) {
            for body in bodies(&path) {
                let events = |body: &[u8]| -> Vec<NewEvent> {
                    let received = normalize(*provider, body).into_iter().flatten();
                    received.filter_map(Received::report).map(NewEvent::from).collect()
                };
                assert_eq!(events(&body), events(&body), "{}", path.display());
                for event in events(&body) {
                    event
                        .validate()
                        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                }
            }
        }
    }
}
