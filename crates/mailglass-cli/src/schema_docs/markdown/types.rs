//! Types and functions, as Markdown.

use super::elements::{column_link, heading, paragraph};
use super::text::{block, cell, code, markdown_cell, plain, table};
use crate::schema_docs::model::{Docs, Domain, Enum, Function, Label};

pub(super) fn enum_type(docs: &Docs, enum_type: &Enum) -> String {
    let rust = enum_type
        .rust
        .as_ref()
        .map(|rust| format!("In Rust: {}.\n\n", code(rust)));
    let used: Vec<String> = docs
        .columns_of(&enum_type.name)
        .map(|(relation, column)| column_link(relation, column))
        .collect();
    let used = if used.is_empty() {
        String::new()
    } else {
        format!("\nUsed by {}.\n", used.join(", "))
    };
    let row = |position: String, label: &Label| {
        let text = |text: &Option<String>| text.clone().unwrap_or("–".to_owned());
        vec![
            position,
            format!(
                "<a id=\"{}\"></a>{}",
                enum_type.name.anchor_of("label", &label.label),
                code(label.text())
            ),
            label.variant.as_deref().map_or("–".to_owned(), code),
            text(&label.since),
            text(&label.deprecated),
            text(&label.removed),
            label
                .meaning
                .as_deref()
                .map_or("–".to_owned(), |meaning| match enum_type.rust {
                    Some(_) => markdown_cell(meaning),
                    None => cell(meaning),
                }),
        ]
    };
    let live = enum_type
        .labels
        .iter()
        .enumerate()
        .map(|(at, label)| row((at + 1).to_string(), label));
    let removed = enum_type.removed.iter().map(|label| row("–".to_owned(), label));
    let rows: Vec<Vec<String>> = live.chain(removed).collect();
    format!(
        "{}\n{}{}{}{used}",
        heading("type", &enum_type.name),
        paragraph(enum_type.comment.as_deref()),
        rust.unwrap_or_default(),
        table(
            &["#", "Label", "Variant", "Since", "Deprecated", "Removed", "Meaning"],
            &rows
        ),
    )
}

pub(super) fn domain(domain: &Domain) -> String {
    let facts = [
        Some(format!("A domain over {}", code(&domain.base))),
        domain.not_null.then(|| "never NULL".to_owned()),
        domain
            .default
            .as_ref()
            .map(|default| format!("{} by default", code(default))),
    ];
    let facts = facts
        .into_iter()
        .flatten()
        .chain(domain.checks.iter().map(|check| code(check)));
    let facts = facts.collect::<Vec<_>>().join(", ");
    let comment = paragraph(domain.comment.as_deref());
    format!("{}\n{comment}{facts}.\n", heading("type", &domain.name))
}

pub(super) fn function(function: &Function, anchor: &str) -> String {
    let mut facts = vec![
        format!(
            "{} returns {}",
            code(&format!("({})", function.arguments)),
            code(&function.returns)
        ),
        format!("language {}", function.language),
    ];
    if function.security_definer {
        facts.push("SECURITY DEFINER".to_owned());
    }
    facts.extend(function.settings.iter().map(|setting| format!("SET {}", code(setting))));
    format!(
        "<a id=\"{anchor}\"></a>\n\n### {}\n\n{}{}.\n\n{}",
        plain(&function.name.plain()),
        paragraph(function.comment.as_deref()),
        facts.join(", "),
        block("sql", &function.source),
    )
}
