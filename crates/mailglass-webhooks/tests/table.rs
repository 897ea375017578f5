//! The table of the README is what the code maps. `BLESS=1` writes it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use mailglass_webhooks::{Mapping, Provider};

const BEGIN: &str = "<!-- Generated from the code: BLESS=1 cargo test -p mailglass-webhooks --test table -->\n";
const END: &str = "<!-- End of what is generated -->\n";

fn label(value: impl serde::Serialize) -> String {
    match serde_json::to_value(value).unwrap() {
        serde_json::Value::String(label) => label,
        _ => String::new(),
    }
}

fn row(mapping: &Mapping) -> String {
    let kind = if mapping.kind.is_empty() {
        String::new()
    } else {
        format!(" `{}`", mapping.kind)
    };
    let bounce = match mapping.permanent {
        Some(true) => "permanent",
        Some(false) => "transient",
        None => "",
    };
    format!(
        "| `{}`{kind} | {} | {} | {bounce} |\n",
        mapping.event,
        label(mapping.event_type),
        label(mapping.reject_reason)
    )
}

fn table() -> String {
    let mut table = String::new();
    for provider in Provider::ALL {
        let facts = provider.facts();
        let (title, name) = (facts.title, provider.name());
        write!(
            table,
            "\n### {title}\n\n\
             Feature `{name}`. Verified by {}. The message id is {}. [Documentation]({}), read on {}.\n\n\
             | Event and kind | Type | Reject reason | Bounce |\n|---|---|---|---|\n",
            facts.signature, facts.message_id, facts.documentation, facts.read_on
        )
        .unwrap();
        table.extend(facts.mappings.iter().map(row));
    }
    table.push('\n');
    table
}

#[test]
fn the_readme_has_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(BEGIN).expect("the beginning of the table");
    let (there, after) = rest.split_once(END).expect("the end of the table");
    if env::var_os("BLESS").is_some() {
        fs::write(&path, format!("{before}{BEGIN}{}{END}{after}", table())).unwrap();
    } else {
        assert!(
            there == table(),
            "the table is not current: BLESS=1 cargo test -p mailglass-webhooks --test table"
        );
    }
}

#[test]
fn every_event_is_mapped_once_and_every_provider_is_described() {
    for provider in Provider::ALL {
        let facts = provider.facts();
        let mut events = BTreeSet::new();
        for mapping in facts.mappings {
            assert!(
                events.insert((mapping.event, mapping.kind)),
                "{provider}: {} {}",
                mapping.event,
                mapping.kind
            );
        }
        assert!(!events.is_empty(), "{provider} maps nothing");
        for text in [facts.message_id, facts.signature] {
            assert!(!text.is_empty(), "{provider} is not described");
        }
        assert!(facts.documentation.starts_with("https://"), "{provider}");
        let date: Result<chrono::NaiveDate, _> = facts.read_on.parse();
        assert!(date.is_ok(), "{provider}: {}", facts.read_on);
    }
}
