//! Pieces that several sections share.

use super::text::{code, link, plain};
use crate::schema_docs::model::{Column, Name, Relation};

/// A heading with an anchor.
pub(super) fn heading(kind: &str, name: &Name) -> String {
    format!("<a id=\"{}\"></a>\n\n### {}\n", name.anchor(kind), plain(&name.plain()))
}

pub(super) fn paragraph(comment: Option<&str>) -> String {
    let lines = comment.unwrap_or_default().trim().lines().map(plain);
    let text = lines.collect::<Vec<_>>().join("<br>\n");
    if text.is_empty() { text } else { format!("{text}\n\n") }
}

pub(super) fn column_link(relation: &Relation, column: &Column) -> String {
    let name = format!("{}.{}", relation.name.plain(), column.name);
    link(&code(&name), &relation.name.anchor_of("column", &column.name))
}
