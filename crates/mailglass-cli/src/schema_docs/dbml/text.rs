//! Names, strings and expressions in DBML.

use crate::schema_docs::model::Name;

pub(super) fn name(name: &Name) -> String {
    match &name.schema {
        Some(schema) => format!("{}.{}", quoted_unless_word(schema), quoted_unless_word(&name.name)),
        None => quoted_unless_word(&name.name),
    }
}

pub(super) fn quoted_unless_word(text: &str) -> String {
    // The keywords of DBML.
    const WORDS: &[&str] = &[
        "as",
        "checks",
        "enum",
        "false",
        "indexes",
        "not",
        "note",
        "null",
        "pk",
        "project",
        "records",
        "ref",
        "table",
        "tablegroup",
        "tablepartial",
        "true",
        "unique",
    ];
    let is_kept = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_';
    let is_word = text.starts_with(|character: char| character.is_ascii_lowercase() || character == '_')
        && text.chars().all(is_kept);
    if is_word && !WORDS.contains(&text) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

pub(super) fn quoted(text: &str) -> String {
    let line = text.replace(['\n', '\r'], " ");
    format!("\"{}\"", line.replace('\\', "\\\\").replace('"', "\\\""))
}

pub(super) fn string(text: &str) -> String {
    format!("'{}'", one_line(text).replace('\\', "\\\\").replace('\'', "\\'"))
}

/// An expression. `None` if it contains a backtick, which DBML can't escape.
pub(super) fn expression_of(text: &str) -> Option<String> {
    (!text.contains('`')).then(|| format!("`{}`", one_line(text)))
}

pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
