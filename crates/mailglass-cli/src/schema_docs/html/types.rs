//! Enums, domains and functions.

use maud::{Markup, html};

use super::elements::{badge, code_block, column_link, comment, list, own_link, relation_link, scrolling};
use super::markdown::inline;
use crate::schema_docs::model::{Docs, Domain, Enum, Function, Label, Name};

/// Enums, then domains.
pub(super) fn sections(docs: &Docs) -> impl Iterator<Item = Markup> {
    let enums = docs.enums.iter().map(|it| enum_type(docs, it));
    enums.chain(docs.domains.iter().map(|it| domain(docs, it)))
}

fn enum_type(docs: &Docs, it: &Enum) -> Markup {
    let anchor = it.name.anchor("type");
    let has = |field: fn(&Label) -> &Option<String>| it.labels.iter().chain(&it.removed).any(|it| field(it).is_some());
    let (variant, since) = (has(|it| &it.variant), has(|it| &it.since));
    let state = !it.removed.is_empty() || has(|it| &it.deprecated);
    let row = |position: Option<usize>, label: &Label| {
        html! {
            tr.gone[position.is_none()] id=[position.map(|_| it.name.anchor_of("label", &label.label))] {
                td.number { (position.map_or("–".to_owned(), |it| it.to_string())) }
                th scope="row" { code { (label.words()) } }
                @if variant { td { @if let Some(variant) = &label.variant { code { (variant) } } } }
                td { @if let Some(meaning) = &label.meaning { (inline(meaning)) } }
                @if since { td.soft { @if let Some(since) = &label.since { (since) } } }
                @if state {
                    td {
                        @if let Some(version) = &label.deprecated { (badge("bad", &format!("deprecated in {version}"))) }
                        @if let Some(version) = &label.removed { (badge("bad", &format!("removed in {version}"))) }
                    }
                }
            }
        }
    };
    let table = html! {
        table.labels {
            thead {
                tr {
                    th scope="col" { "#" }
                    th scope="col" { "Label" }
                    @if variant { th scope="col" { "Variant" } }
                    th scope="col" { "Meaning" }
                    @if since { th scope="col" { "Since" } }
                    @if state { th scope="col" { "State" } }
                }
            }
            tbody {
                @for (index, label) in it.labels.iter().enumerate() { (row(Some(index + 1), label)) }
                @for label in &it.removed { (row(None, label)) }
            }
        }
    };
    html! {
        section.entry id=(anchor) {
            h3 { code { (it.name.plain()) } (own_link(&anchor)) }
            (comment(it.comment.as_ref()))
            dl.facts {
                div { dt { "Kind" } dd { "enum" } }
                @if let Some(rust) = &it.rust { div { dt { "In Rust" } dd { code { (rust) } } } }
                (used_by(docs, &it.name))
            }
            div.block { (scrolling(&format!("Labels of {}", it.name.plain()), &table)) }
        }
    }
}

/// The columns of a type.
fn used_by(docs: &Docs, name: &Name) -> Markup {
    let mut columns = docs.columns_of(name).peekable();
    html! {
        @if columns.peek().is_some() {
            div {
                dt { "Used by" }
                dd {
                    (list(columns.map(|(relation, column)| html! {
                        (relation_link(docs, &relation.name)) "." (column_link(docs, &relation.name, &column.name))
                    })))
                }
            }
        }
    }
}

fn domain(docs: &Docs, it: &Domain) -> Markup {
    let anchor = it.name.anchor("type");
    html! {
        section.entry id=(anchor) {
            h3 { code { (it.name.plain()) } (own_link(&anchor)) }
            (comment(it.comment.as_ref()))
            dl.facts {
                div { dt { "Kind" } dd { "domain over " code { (it.base) } } }
                @if it.not_null { div { dt { "NULL" } dd { "not allowed" } } }
                @if let Some(default) = &it.default { div { dt { "Default" } dd { code { (default) } } } }
                (used_by(docs, &it.name))
            }
            @for check in &it.checks { (code_block(check)) }
        }
    }
}

pub(super) fn functions(docs: &Docs) -> impl Iterator<Item = Markup> {
    let functions = docs.anchored_functions().into_iter();
    functions.map(|(it, anchor)| function(it, &anchor))
}

fn function(it: &Function, anchor: &str) -> Markup {
    html! {
        section.entry id=(anchor) {
            h3 { code { (it.name.plain()) "(" (it.arguments) ")" } (own_link(anchor)) }
            (comment(it.comment.as_ref()))
            dl.facts {
                div { dt { "Returns" } dd { code { (it.returns) } } }
                div { dt { "Language" } dd { (it.language) } }
                @if it.security_definer { div { dt { "Runs as" } dd { "its owner (SECURITY DEFINER)" } } }
                @if !it.settings.is_empty() { div { dt { "Settings" } dd { code { (it.settings.join("; ")) } } } }
            }
            (code_block(&it.source))
        }
    }
}
