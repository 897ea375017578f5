//! The section of a table or view.

use maud::{Markup, html};

use super::elements::{code_block, comment, own_link};
use super::{columns, constraints, indexes, references, triggers};
use crate::output::count;
use crate::schema_docs::model::{Docs, Relation};

pub(super) fn section(docs: &Docs, relation: &Relation) -> Markup {
    let anchor = relation.name.anchor("table");
    html! {
        section.entry id=(anchor) {
            h3 { code { (relation.name.plain()) } (own_link(&anchor)) }
            (comment(relation.comment.as_ref()))
            (facts(relation))
            @if !relation.columns.is_empty() { (columns::table(docs, relation)) }
            (references::references(docs, relation))
            (indexes::indexes(docs, relation))
            (constraints::constraints(relation))
            (triggers::triggers(docs, relation))
            @if let Some(definition) = &relation.definition {
                div.block { h4 { "Definition" } (code_block(definition)) }
            }
        }
    }
}

fn facts(relation: &Relation) -> Markup {
    html! {
        dl.facts {
            (fact("Kind", &html! { (relation.kind.as_str()) }))
            @if let Some(rust) = &relation.rust {
                @if let Some(model) = &rust.model { (fact("Read as", &html! { code { (model) } })) }
                (fact("Made by", &html! { (rust.made_by) }))
                (fact("Changed by", &match &rust.changed_by {
                    Some(by) => html! { (by) },
                    None => html! { "nothing" },
                }))
                (fact("Diesel’s table", &html! { code { (rust.table) } }))
            }
            @if let Some(key) = &relation.partition_key { (fact("Partitioned by", &html! { code { (key) } })) }
            @if !relation.options.is_empty() { (fact("Options", &html! { code { (relation.options.join(", ")) } })) }
            @if relation.row_security { (fact("Row security", &html! { "on" })) }
        }
        @if !relation.partitions.is_empty() {
            details.partitions {
                summary { (count(relation.partitions.len(), "partition", "partitions")) }
                ul {
                    @for partition in &relation.partitions { li { code { (partition.name) } " " span.soft { (partition.bound) } } }
                }
            }
        }
    }
}

fn fact(name: &str, value: &Markup) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}
