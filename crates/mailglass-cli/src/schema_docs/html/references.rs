//! A relation's references, and the relations that refer to it.

use maud::{Markup, html};

use super::elements::{badge, block, column_link, comment, list, relation_link};
use crate::schema_docs::model::{Docs, Reference, Relation};

pub(super) fn references(docs: &Docs, relation: &Relation) -> Markup {
    let items: Vec<Markup> = relation
        .references
        .iter()
        .map(|reference| item(docs, relation, reference))
        .collect();
    let mut referrers = docs
        .relations
        .iter()
        .flat_map(|from| from.references.iter().map(move |reference| (from, reference)));
    let referrers: Vec<Markup> = referrers
        .by_ref()
        .filter(|(_, reference)| reference.to == relation.name)
        .map(|(from, reference)| {
            let columns = reference
                .columns
                .iter()
                .map(|column| column_link(docs, &from.name, column));
            html! { (relation_link(docs, &from.name)) " (" (list(columns)) ")" }
        })
        .collect();
    html! {
        (block("References", &items))
        @if !referrers.is_empty() {
            div.block { h4 { "Referenced by" } p { (list(referrers)) } }
        }
    }
}

fn item(docs: &Docs, relation: &Relation, reference: &Reference) -> Markup {
    let from = reference
        .columns
        .iter()
        .map(|column| column_link(docs, &relation.name, column));
    let to = reference
        .to_columns
        .iter()
        .map(|column| column_link(docs, &reference.to, column));
    let kept_by = relation
        .constraints
        .iter()
        .find(|constraint| reference.is_held_by(constraint));
    html! {
        li.item id=[reference.constraint.as_ref().map(|name| relation.name.anchor_of("constraint", name))] {
            p {
                (list(from)) " → " (relation_link(docs, &reference.to)) " (" (list(to)) ")"
                @if reference.is_logical() { (badge("dash", "no foreign key")) }
                @if reference.unique { (badge("", "at most one row per target")) }
                @if reference.optional { (badge("", "optional")) }
            }
            @if let Some(constraint) = kept_by {
                p.soft { "Constraint " code { (constraint.name) } ": " code { (constraint.definition) } }
                (comment(constraint.comment.as_ref()))
            }
            (comment(reference.note.as_ref()))
        }
    }
}
