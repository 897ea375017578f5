//! Small pieces of the page.

use maud::{Markup, html};

use crate::schema_docs::model::{Docs, Name};

/// A COMMENT, which is plain text; its lines stay lines.
pub(super) fn comment(text: Option<&String>) -> Markup {
    html! { @if let Some(text) = text { p.c { (text) } } }
}

/// A mark beside a name.
pub(super) fn badge(class: &str, text: &str) -> Markup {
    html! {
        " "
        @if class.is_empty() { span.b { (text) } } @else { span.b.(class) { (text) } }
    }
}

/// A heading's own link.
pub(super) fn own_link(anchor: &str) -> Markup {
    html! { " " a.h href={ "#" (anchor) } aria-label="Link to this" { "#" } }
}

/// A block of code, with a button that JavaScript wakes.
pub(super) fn code_block(code: &str) -> Markup {
    html! {
        div.code {
            button.copy type="button" hidden { "Copy" }
            pre { code { (code) } }
        }
    }
}

/// A table that scrolls by itself where it is wider than the page.
pub(super) fn scrolling(label: &str, table: &Markup) -> Markup {
    html! { div.wide role="region" tabindex="0" aria-label=(label) { (table) } }
}

/// A relation's name, as a link where the docs hold it.
pub(super) fn relation_link(docs: &Docs, name: &Name) -> Markup {
    html! {
        @match docs.relation_anchor(name) {
            Some(anchor) => a href={ "#" (anchor) } { code { (name.plain()) } },
            None => code { (name.plain()) },
        }
    }
}

/// A column of a relation, as a link where the docs hold it.
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

/// Things with commas between them.
pub(super) fn list(things: impl IntoIterator<Item = Markup>) -> Markup {
    html! {
        @for (index, thing) in things.into_iter().enumerate() {
            @if index > 0 { ", " }
            (thing)
        }
    }
}

/// A titled list; nothing where nothing is in it.
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
