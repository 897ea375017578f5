//! Small pieces of the page.

use maud::{Markup, html};

use crate::schema_docs::model::{Docs, Name};

/// A COMMENT. It is plain text and keeps its line breaks.
pub(super) fn comment(text: Option<&String>) -> Markup {
    html! { @if let Some(text) = text { p.c { (text) } } }
}

/// A label beside a name.
pub(super) fn badge(class: &str, text: &str) -> Markup {
    html! {
        " "
        @if class.is_empty() { span.b { (text) } } @else { span.b.(class) { (text) } }
    }
}

/// A link from a heading to itself.
pub(super) fn own_link(anchor: &str) -> Markup {
    html! { " " a.h href={ "#" (anchor) } aria-label="Link to this section" { "#" } }
}

/// A block of code. JavaScript shows the button.
pub(super) fn code_block(code: &str) -> Markup {
    html! {
        div.code {
            button.copy type="button" hidden { "Copy" }
            pre { code { (code) } }
        }
    }
}

/// A table that scrolls if it is wider than the page.
pub(super) fn scrolling(label: &str, table: &Markup) -> Markup {
    html! { div.wide role="region" tabindex="0" aria-label=(label) { (table) } }
}

/// A relation's name, as a link if the relation is in the docs.
pub(super) fn relation_link(docs: &Docs, name: &Name) -> Markup {
    html! {
        @match docs.relation_anchor(name) {
            Some(anchor) => a href={ "#" (anchor) } { code { (name.plain()) } },
            None => code { (name.plain()) },
        }
    }
}

/// A column name, as a link if the column is in the docs.
pub(super) fn column_link(docs: &Docs, relation: &Name, column: &str) -> Markup {
    let is_held = docs
        .relation(relation)
        .is_some_and(|relation| relation.columns.iter().any(|held| held.name == column));
    html! {
        @if is_held {
            a href={ "#" (relation.anchor_of("column", column)) } { code { (column) } }
        } @else {
            code { (column) }
        }
    }
}

/// A list separated by commas.
pub(super) fn list(things: impl IntoIterator<Item = Markup>) -> Markup {
    html! {
        @for (index, thing) in things.into_iter().enumerate() {
            @if index > 0 { ", " }
            (thing)
        }
    }
}

/// A titled list. Empty lists are left out.
pub(super) fn block(title: &str, items: &[Markup]) -> Markup {
    html! {
        @if !items.is_empty() {
            div.block {
                h4 { (title) }
                ul.items { @for item in items { (item) } }
            }
        }
    }
}
