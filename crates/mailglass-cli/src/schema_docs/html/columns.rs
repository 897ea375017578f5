//! The columns of a relation.

use maud::{Markup, html};

use super::elements::{badge, column_link, comment, list, relation_link, scrolling};
use crate::schema_docs::model::{Column, ColumnFacts, ConstraintKind, Docs, Identity, Index, PersonalData, Relation};

pub(super) fn table(docs: &Docs, relation: &Relation) -> Markup {
    let is_known = relation.columns.iter().any(|column| column.known.is_some());
    let table = html! {
        table.columns {
            thead {
                tr {
                    th scope="col" { "Column" }
                    th scope="col" { "Type" }
                    @if is_known { th scope="col" { "Written by" } }
                    th scope="col" { "Meaning" }
                }
            }
            tbody { @for column in &relation.columns { (row(docs, relation, column, is_known)) } }
        }
    };
    html! {
        div.block {
            h4 { "Columns" }
            (scrolling(&format!("Columns of {}", relation.name.plain()), &table))
        }
    }
}

fn row(docs: &Docs, relation: &Relation, column: &Column, is_known: bool) -> Markup {
    let anchor = relation.name.anchor_of("column", &column.name);
    html! {
        tr id=(anchor) {
            th scope="row" { a href={ "#" (anchor) } { code { (column.name) } } (keys(relation, &column.name)) }
            td { (sql_type(docs, column)) }
            @if is_known { td { @if let Some(known) = &column.known { (writer(known)) } } }
            td {
                (comment(column.comment.as_ref()))
                @if let Some(known) = &column.known { (personal(known.personal_data)) }
                (refers(docs, relation, column))
                (indexes(relation, column))
                @if let Some(known) = &column.known { (rust(known)) }
            }
        }
    }
}

fn keys(relation: &Relation, column: &str) -> Markup {
    let of = |kind: ConstraintKind| {
        let mut constraints = relation.constraints.iter().filter(|constraint| constraint.kind == kind);
        constraints.any(|constraint| constraint.columns.iter().any(|member| member == column))
    };
    let mut references = relation
        .references
        .iter()
        .filter(|reference| reference.columns.iter().any(|member| member == column));
    html! {
        @if of(ConstraintKind::PrimaryKey) { (badge("key", "primary key")) }
        @if of(ConstraintKind::ForeignKey) { (badge("key", "foreign key")) }
        @if references.any(|reference| reference.is_logical()) { (badge("dash", "logical reference")) }
        @if of(ConstraintKind::Unique) { (badge("key", "unique")) }
    }
}

fn sql_type(docs: &Docs, column: &Column) -> Markup {
    let anchor = column.type_name.as_ref().and_then(|name| docs.type_anchor(name));
    html! {
        @match anchor {
            Some(anchor) => a href={ "#" (anchor) } { code { (column.sql_type) } },
            None => code { (column.sql_type) },
        }
        div.soft {
            (if column.nullable { "NULL allowed" } else { "NOT NULL" })
            @if let Some(default) = &column.default { br; "default " code { (default) } }
            @if let Some(generated) = &column.generated { br; "generated: " code { (generated) } }
            @if let Some(identity) = column.identity {
                br;
                (match identity {
                    Identity::Always => "identity, always",
                    Identity::ByDefault => "identity, by default",
                })
            }
        }
    }
}

fn writer(known: &ColumnFacts) -> Markup {
    html! { (known.written_by.as_str()) div.soft { (known.changes.as_str()) } }
}

fn personal(data: PersonalData) -> Markup {
    html! { @if let Some(words) = data.note() { p { (badge("private", words)) } } }
}

fn refers(docs: &Docs, relation: &Relation, column: &Column) -> Markup {
    let references = relation
        .references
        .iter()
        .filter(|reference| reference.columns.contains(&column.name));
    html! {
        @for reference in references {
            @let to = reference.columns.iter().position(|member| *member == column.name);
            p.soft {
                "→ " (relation_link(docs, &reference.to))
                @if let Some(to) = to.and_then(|position| reference.to_columns.get(position)) {
                    "." (column_link(docs, &reference.to, to))
                }
                @if reference.is_logical() { " (no foreign key)" }
            }
        }
    }
}

fn indexes(relation: &Relation, column: &Column) -> Markup {
    let holds = |index: &&Index| {
        index.keys.iter().any(|key| key.column.as_ref() == Some(&column.name)) || index.include.contains(&column.name)
    };
    let prefix = format!("{}_", relation.name.name);
    let mut links = relation.indexes.iter().filter(holds).map(|index| {
        // The section already names the table.
        let short = index.name.strip_prefix(&prefix).unwrap_or(&index.name);
        html! { a href={ "#" (relation.name.anchor_of("index", &index.name)) } { (short) } }
    });
    let first = links.next();
    html! {
        @if let Some(first) = first { p.soft { "Indexes: " (list([first].into_iter().chain(links))) } }
    }
}

fn rust(known: &ColumnFacts) -> Markup {
    html! {
        p.soft {
            "Rust: "
            @if let Some(field) = &known.field { code { (field) } " " }
            @if let Some(rust_type) = &known.rust_type { "of type " code { (rust_type) } ", " }
            "Diesel’s " code { (known.diesel_type) }
        }
    }
}
