//! Enums, domains and functions.

use maud::{Markup, html};

use super::elements::{badge, code_block, column_link, comment, list, own_link, relation_link, scrolling};
use super::markdown::inline;
use crate::schema_docs::model::{Docs, Domain, Enum, Function, Label, Name};

/// Enums, then domains.
pub(super) fn sections(docs: &Docs) -> impl Iterator<Item = Markup> {
    let enums = docs.enums.iter().map(|enum_type| enum_section(docs, enum_type));
    enums.chain(docs.domains.iter().map(|domain| domain_section(docs, domain)))
}

fn enum_section(docs: &Docs, enum_type: &Enum) -> Markup {
    let anchor = enum_type.name.anchor("type");
    let has = |field: fn(&Label) -> &Option<String>| {
        enum_type
            .labels
            .iter()
            .chain(&enum_type.removed)
            .any(|label| field(label).is_some())
    };
    let (variant, since) = (has(|label| &label.variant), has(|label| &label.since));
    let state = !enum_type.removed.is_empty() || has(|label| &label.deprecated);
    let row = |position: Option<usize>, label: &Label| {
        html! {
            tr.gone[position.is_none()] id=[position.map(|_| enum_type.name.anchor_of("label", &label.label))] {
                td.number { (position.map_or("–".to_owned(), |position| position.to_string())) }
                th scope="row" { code { (label.text()) } }
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
                @for (index, label) in enum_type.labels.iter().enumerate() { (row(Some(index + 1), label)) }
                @for label in &enum_type.removed { (row(None, label)) }
            }
        }
    };
    html! {
        section.entry id=(anchor) {
            h3 { code { (enum_type.name.plain()) } (own_link(&anchor)) }
            (comment(enum_type.comment.as_ref()))
            dl.facts {
                div { dt { "Kind" } dd { "enum" } }
                @if let Some(rust) = &enum_type.rust { div { dt { "In Rust" } dd { code { (rust) } } } }
                (used_by(docs, &enum_type.name))
            }
            div.block { (scrolling(&format!("Labels of {}", enum_type.name.plain()), &table)) }
        }
    }
}

/// The columns that use a type.
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

fn domain_section(docs: &Docs, domain: &Domain) -> Markup {
    let anchor = domain.name.anchor("type");
    html! {
        section.entry id=(anchor) {
            h3 { code { (domain.name.plain()) } (own_link(&anchor)) }
            (comment(domain.comment.as_ref()))
            dl.facts {
                div { dt { "Kind" } dd { "domain over " code { (domain.base) } } }
                @if domain.not_null { div { dt { "NULL" } dd { "not allowed" } } }
                @if let Some(default) = &domain.default { div { dt { "Default" } dd { code { (default) } } } }
                (used_by(docs, &domain.name))
            }
            @for check in &domain.checks { (code_block(check)) }
        }
    }
}

pub(super) fn functions(docs: &Docs) -> impl Iterator<Item = Markup> {
    let functions = docs.anchored_functions().into_iter();
    functions.map(|(function, anchor)| function_section(function, &anchor))
}

fn function_section(function: &Function, anchor: &str) -> Markup {
    html! {
        section.entry id=(anchor) {
            h3 { code { (function.name.plain()) "(" (function.arguments) ")" } (own_link(anchor)) }
            (comment(function.comment.as_ref()))
            dl.facts {
                div { dt { "Returns" } dd { code { (function.returns) } } }
                div { dt { "Language" } dd { (function.language) } }
                @if function.security_definer { div { dt { "Runs as" } dd { "its owner (SECURITY DEFINER)" } } }
                @if !function.settings.is_empty() { div { dt { "Settings" } dd { code { (function.settings.join("; ")) } } } }
            }
            (code_block(&function.source))
        }
    }
}
