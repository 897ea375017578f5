//! What a relation has beside columns: references, indexes, constraints.

use maud::{Markup, html};

use super::super::model::{Constraint, ConstraintKind, Docs, Index, Reference, Relation};
use super::text::{badge, code_block, column_link, comment, list, relation_link};

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

pub(super) fn references(docs: &Docs, relation: &Relation) -> Markup {
    let items: Vec<Markup> = relation
        .references
        .iter()
        .map(|it| reference(docs, relation, it))
        .collect();
    let mut referrers = docs
        .relations
        .iter()
        .flat_map(|from| from.references.iter().map(move |it| (from, it)));
    let referrers: Vec<Markup> = referrers
        .by_ref()
        .filter(|(_, it)| it.to == relation.name)
        .map(|(from, it)| {
            let columns = it.columns.iter().map(|column| column_link(docs, &from.name, column));
            html! { (relation_link(docs, &from.name)) " (" (list(columns)) ")" }
        })
        .collect();
    html! {
        (block("References", &items))
        @if !referrers.is_empty() {
            div.block { h4 { "Referred to by" } p { (list(referrers)) } }
        }
    }
}

fn reference(docs: &Docs, relation: &Relation, reference: &Reference) -> Markup {
    let from = reference.columns.iter().map(|it| column_link(docs, &relation.name, it));
    let to = reference
        .to_columns
        .iter()
        .map(|it| column_link(docs, &reference.to, it));
    let kept_by = relation.constraints.iter().find(|it| is_kept_by(reference, it));
    html! {
        li.item id=[reference.constraint.as_ref().map(|it| relation.name.anchor_of("constraint", it))] {
            p {
                (list(from)) " → " (relation_link(docs, &reference.to)) " (" (list(to)) ")"
                @if reference.is_logical() { (badge("dash", "no foreign key")) }
                @if reference.unique { (badge("", "at most one row refers to the same")) }
                @if reference.optional { (badge("", "may refer to nothing")) }
            }
            @if let Some(constraint) = kept_by {
                p.soft { "Kept by " code { (constraint.name) } ": " code { (constraint.definition) } }
                (comment(constraint.comment.as_ref()))
            }
            (comment(reference.note.as_ref()))
        }
    }
}

fn is_kept_by(reference: &Reference, constraint: &Constraint) -> bool {
    constraint.kind == ConstraintKind::ForeignKey && reference.constraint.as_ref() == Some(&constraint.name)
}

pub(super) fn indexes(docs: &Docs, relation: &Relation) -> Markup {
    let items: Vec<Markup> = relation.indexes.iter().map(|it| index(docs, relation, it)).collect();
    block("Indexes", &items)
}

fn index(docs: &Docs, relation: &Relation, index: &Index) -> Markup {
    let keys = index.keys.iter().map(|it| {
        html! {
            @match &it.column {
                Some(column) => (column_link(docs, &relation.name, column)),
                None => code { (it.expression) },
            }
            @if it.descending { " DESC" }
            // Postgres puts NULLs last, or first where it descends.
            @match (it.descending, it.nulls_first) {
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
                @if index.keeps_constraint { (badge("", "keeps a constraint")) }
                @if !index.valid { (badge("bad", "not valid: a concurrent build failed")) }
            }
            p.soft {
                "On " (list(keys))
                @if !index.include.is_empty() {
                    ", carrying " (list(index.include.iter().map(|it| column_link(docs, &relation.name, it))))
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

/// All but the foreign keys that stand with their references.
pub(super) fn constraints(relation: &Relation) -> Markup {
    let items: Vec<Markup> = relation
        .constraints
        .iter()
        .filter(|it| !relation.references.iter().any(|reference| is_kept_by(reference, it)))
        .map(|it| {
            html! {
                li.item id=(relation.name.anchor_of("constraint", &it.name)) {
                    p { code { (it.name) } (badge("", it.kind.words())) }
                    p.soft { code { (it.definition) } }
                    (comment(it.comment.as_ref()))
                }
            }
        })
        .collect();
    block("Constraints", &items)
}
