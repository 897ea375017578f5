//! Types and functions, as Markdown.

use super::elements::{column_link, heading, paragraph};
use super::text::{block, cell, code, markdown_cell, plain, table};
use crate::schema_docs::model::{Docs, Domain, Enum, Function, Label};

pub(super) fn enum_type(docs: &Docs, this: &Enum) -> String {
    let rust = this.rust.as_ref().map(|it| format!("In Rust: {}.\n\n", code(it)));
    let used: Vec<String> = docs
        .columns_of(&this.name)
        .map(|(relation, column)| column_link(relation, column))
        .collect();
    let used = if used.is_empty() {
        String::new()
    } else {
        format!("\nUsed by {}.\n", used.join(", "))
    };
    let row = |position: String, it: &Label| {
        let text = |text: &Option<String>| text.clone().unwrap_or("–".to_owned());
        vec![
            position,
            format!(
                "<a id=\"{}\"></a>{}",
                this.name.anchor_of("label", &it.label),
                code(it.words())
            ),
            it.variant.as_deref().map_or("–".to_owned(), code),
            text(&it.since),
            text(&it.deprecated),
            text(&it.removed),
            it.meaning.as_deref().map_or("–".to_owned(), |it| match this.rust {
                Some(_) => markdown_cell(it),
                None => cell(it),
            }),
        ]
    };
    let live = this
        .labels
        .iter()
        .enumerate()
        .map(|(at, it)| row((at + 1).to_string(), it));
    let removed = this.removed.iter().map(|it| row("–".to_owned(), it));
    let rows: Vec<Vec<String>> = live.chain(removed).collect();
    format!(
        "{}\n{}{}{}{used}",
        heading("type", &this.name),
        paragraph(this.comment.as_deref()),
        rust.unwrap_or_default(),
        table(
            &["#", "Label", "Variant", "Since", "Deprecated", "Removed", "Meaning"],
            &rows
        ),
    )
}

pub(super) fn domain(this: &Domain) -> String {
    let facts = [
        Some(format!("A domain over {}", code(&this.base))),
        this.not_null.then(|| "never NULL".to_owned()),
        this.default.as_ref().map(|it| format!("{} by default", code(it))),
    ];
    let facts = facts.into_iter().flatten().chain(this.checks.iter().map(|it| code(it)));
    let facts = facts.collect::<Vec<_>>().join(", ");
    let comment = paragraph(this.comment.as_deref());
    format!("{}\n{comment}{facts}.\n", heading("type", &this.name))
}

pub(super) fn function(this: &Function, anchor: &str) -> String {
    let mut facts = vec![
        format!(
            "{} returns {}",
            code(&format!("({})", this.arguments)),
            code(&this.returns)
        ),
        format!("language {}", this.language),
    ];
    if this.security_definer {
        facts.push("SECURITY DEFINER".to_owned());
    }
    facts.extend(this.settings.iter().map(|it| format!("SET {}", code(it))));
    format!(
        "<a id=\"{anchor}\"></a>\n\n### {}\n\n{}{}.\n\n{}",
        plain(&this.name.plain()),
        paragraph(this.comment.as_deref()),
        facts.join(", "),
        block("sql", &this.source),
    )
}
