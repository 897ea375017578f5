//! A relation's indexes.

use maud::{Markup, html};

use super::elements::{badge, block, code_block, column_link, comment, list};
use crate::schema_docs::model::{Docs, Index, Relation};

pub(super) fn indexes(docs: &Docs, relation: &Relation) -> Markup {
    let items: Vec<Markup> = relation
        .indexes
        .iter()
        .map(|index| item(docs, relation, index))
        .collect();
    block("Indexes", &items)
}

fn item(docs: &Docs, relation: &Relation, index: &Index) -> Markup {
    let keys = index.keys.iter().map(|key| {
        html! {
            @match &key.column {
                Some(column) => (column_link(docs, &relation.name, column)),
                None => code { (key.expression) },
            }
            @if key.descending { " DESC" }
            // Postgres's default is NULLS LAST, or NULLS FIRST with DESC.
            @match (key.descending, key.nulls_first) {
                (false, true) => " NULLS FIRST",
                (true, false) => " NULLS LAST",
                _ => {},
            }
        }
    });
    html! {
        li.item id=(relation.name.anchor_of("index", &index.name)) {
            p {
                code { (index.name) }
                @if index.unique { (badge("key", "unique")) }
                @if index.nulls_not_distinct { (badge("", "NULLs count as equal")) }
                @if index.method != "btree" { (badge("", &index.method)) }
                @if index.predicate.is_some() { (badge("", "partial")) }
                @if index.keeps_constraint { (badge("", "of a constraint")) }
                @if !index.valid { (badge("bad", "invalid: a concurrent build failed")) }
            }
            p.soft {
                "On " (list(keys))
                @if !index.include.is_empty() {
                    ", including " (list(index.include.iter().map(|column| column_link(docs, &relation.name, column))))
                }
                @if let Some(predicate) = &index.predicate { ", where " code { (predicate) } }
            }
            (comment(index.purpose.as_ref().or(index.comment.as_ref())))
            @if let Some(lines) = &index.diesel_on_conflict {
                p.soft { "As the conflict target of a Diesel insert:" }
                (code_block(lines))
            }
        }
    }
}
