#![allow(clippy::unwrap_used, reason = "these are tests")]

use serde_json::{Value, json};

use super::html;
use crate::schema_docs::model::{
    Behaviour, Docs, FORMAT_VERSION, Generator, OrphanLife, OrphanState, Overview, Projection, Rule, Transition,
};

/// Text that breaks the page if it is not escaped.
const HOSTILE: &str =
    "</title></style></script><script>alert(1)</script><img src=x onerror=\"a\"> ]]> --> 'q' \"q\" | `t` & &lt; \\ {}";

fn from<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// Docs in which every text is `text`.
fn docs(text: &str) -> Docs {
    let name = json!({"name": text});
    let constraint = |kind: &str| json!({"name": format!("{text}{kind}"), "kind": kind, "columns": [text], "definition": text, "comment": text});
    let known = json!({"field": text, "rust_type": text, "diesel_type": text, "written_by": "application", "changes": "never", "personal_data": "yes"});
    let column = json!({"name": text, "type": text, "type_name": name, "nullable": true, "default": text, "generated": text,
        "identity": "always", "comment": text, "known": known});
    let index = json!({"name": text, "unique": true, "nulls_not_distinct": true, "method": text, "definition": text,
        "keys": [{"expression": text, "column": null, "descending": true, "nulls_first": false}, {"expression": text, "column": text, "descending": false, "nulls_first": true}],
        "include": [text], "predicate": text, "keeps_constraint": false, "valid": false, "comment": text, "purpose": text, "diesel_on_conflict": text});
    let trigger = json!({"name": text, "timing": text, "events": [text], "level": text, "enabled": "disabled", "function": name,
        "definition": text, "comment": text,
        "rust_error": {"sqlstate": text, "patterns": [text], "predicate": text, "message": text}});
    let reference = |constraint: Value| {
        json!({"constraint": constraint, "columns": [text], "to": name, "to_columns": [text],
        "unique": true, "optional": true, "on_delete": text, "on_update": text, "note": text})
    };
    let constraints = ["primary_key", "foreign_key", "check"].map(constraint);
    let references = [reference(json!(format!("{text}foreign_key"))), reference(Value::Null)];
    let relation = |name: &str, kind: &str| {
        json!({"name": name, "kind": kind, "comment": text, "columns": [column],
        "constraints": constraints, "indexes": [index], "triggers": [trigger],
        "references": references, "options": [text], "row_security": true,
        "partition_key": text, "partitions": [{"name": text, "bound": text}], "definition": text,
        "rust": {"table": text, "model": text, "made_by": text, "changed_by": text}})
    };
    let label = |label: &str| json!({"label": label, "meaning": text, "variant": text, "since": text, "deprecated": text, "removed": text});
    let function = |arguments: &str| {
        json!({"name": text, "arguments": arguments, "returns": text, "language": text, "security_definer": true,
        "settings": [text], "source": text, "comment": text})
    };
    let string = || text.to_owned();
    let rule = |status: Option<String>, rank| Rule {
        event_type: string(),
        rank,
        status,
        terminal: true,
        stamp: Some(string()),
    };
    let state = |name: String| OrphanState {
        name,
        condition: string(),
        meaning: string(),
    };
    let transition = |from: Option<String>, to: String| Transition {
        from,
        to,
        when: string(),
    };
    Docs {
        format_version: FORMAT_VERSION,
        title: string(),
        generator: Generator {
            name: string(),
            version: string(),
        },
        overview: Some(Overview {
            introduction: string(),
            guarantees: string(),
        }),
        relations: from(json!([relation(text, "table"), relation(&format!("{text}2"), "view")])),
        enums: from(
            json!([{"name": text, "comment": text, "labels": [label(text)], "rust": text, "removed": [label("gone")]}]),
        ),
        domains: from(
            json!([{"name": format!("{text}d"), "base": text, "not_null": true, "default": text, "checks": [text], "comment": text}]),
        ),
        functions: from(json!([function(""), function(text)])),
        behaviour: Some(Behaviour {
            projection: Projection {
                rules: vec![rule(Some(string()), 0), rule(None, 1)],
                statuses: vec![string()],
            },
            orphan: OrphanLife {
                states: vec![state(string()), state("end".to_owned())],
                transitions: vec![
                    transition(None, string()),
                    transition(Some(string()), "end".to_owned()),
                    transition(Some("end".to_owned()), string()),
                    transition(Some("end".to_owned()), "end".to_owned()),
                ],
            },
        }),
    }
}

/// The page without its stylesheet and script.
fn body(text: &str) -> String {
    let html = html(&docs(text));
    html.replacen(include_str!("style.css"), "", 1)
        .replacen(include_str!("page.js"), "", 1)
}

#[test]
fn no_text_becomes_markup() {
    let body = body(HOSTILE);
    assert_eq!(body.matches("<script").count(), 1, "the page's own");
    assert_eq!(body.matches("</script").count(), 1);
    assert_eq!(
        (body.matches("<style").count(), body.matches("</style").count()),
        (1, 1)
    );
    assert!(!body.contains("<img") && !body.contains("alert(1)</script"));
    assert!(body.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
}

/// A tag without its quoted parts.
fn skeleton(tag: &str) -> String {
    let mut is_quoted = false;
    let mut skeleton = String::new();
    for c in tag.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            '>' if !is_quoted => break,
            c if !is_quoted => skeleton.push(c),
            _ => {}
        }
    }
    skeleton
}

/// An unescaped quote would end its attribute and start another.
#[test]
fn tags_and_attributes_do_not_depend_on_the_texts() {
    let tags = |text: &str| -> Vec<String> {
        let body = body(text);
        // Markdown adds tags, and names that are cut have a title.
        let own = ["p", "/p", "code", "/code", "title", "/title", "div", "/div"];
        // The number of lines depends on the text.
        let is_line = |tag: &str| tag.starts_with("text ") || tag.starts_with("/text");
        let tags = body.split('<').skip(1).map(skeleton);
        tags.filter(|tag| !own.contains(&tag.as_str()) && !is_line(tag))
            .collect()
    };
    assert_eq!(tags("plain"), tags(HOSTILE));
}

#[test]
fn every_id_is_there_once_and_every_link_lands() {
    for text in ["plain", HOSTILE] {
        let body = body(text);
        let after = |start: &str| -> Vec<String> {
            let parts = body.split(start).skip(1);
            parts
                .filter_map(|part| part.split('"').next())
                .map(str::to_owned)
                .collect()
        };
        let mut ids = after(" id=\"");
        ids.sort();
        let count = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), count, "an id is there twice");
        for link in after(" href=\"#") {
            assert!(ids.binary_search(&link).is_ok(), "#{link} leads nowhere");
        }
    }
}

#[test]
fn markdown_runs_nothing_and_loads_nothing() {
    let markdown = |text: &str| super::markdown::markdown(text).into_string();
    assert_eq!(
        markdown("a <b onclick=x>b</b>"),
        "<p>a &lt;b onclick=x&gt;b&lt;/b&gt;</p>\n"
    );
    assert_eq!(
        markdown("<script>\nx\n</script>"),
        "<p>&lt;script&gt;\nx\n&lt;/script&gt;</p>\n"
    );
    for bad in ["javascript:x", "JaVaScRiPt:x", "data:text/html,x", "vbscript:x"] {
        assert!(markdown(&format!("[a]({bad})")).contains("href=\"#content\""), "{bad}");
    }
    assert!(markdown("[a](https://diesel.rs)").contains("href=\"https://diesel.rs\""));
    assert!(!markdown("![a](https://diesel.rs/x.png)").contains("img"));
    assert_eq!(markdown("## A heading"), "<p>A heading</p>\n");
}

#[test]
fn a_name_that_has_no_room_is_cut_to_it() {
    use super::svg_text::{cut, width_of};
    for text in [
        "short",
        "a_name_that_goes_on_and_on_and_on",
        "長い名前長い名前長い名前長い名前",
    ] {
        assert!(width_of(&cut(text, 12)) <= width_of(&"m".repeat(12)), "{text}");
    }
    assert_eq!(cut("short", 12), "short");
}

#[test]
fn the_page_is_the_same_every_time() {
    assert_eq!(html(&docs(HOSTILE)), html(&docs(HOSTILE)));
}
