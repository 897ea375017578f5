//! Finds what has no note: docs that say nothing about a column are no docs of it.

use super::model::{Docs, Index, Name, Relation, RelationKind, identifier};

/// Something without a note, and the statement that gives it one.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct MissingNote {
    /// Such as `column orders.note`.
    pub(crate) object: String,
    pub(crate) help: String,
}

pub(crate) fn lint(docs: &Docs) -> Vec<MissingNote> {
    let mut missing = Vec::new();
    for relation in &docs.relations {
        lint_relation(relation, &mut missing);
    }
    for it in &docs.enums {
        let name = it.name.sql();
        if it.comment.is_none() {
            missing.push(comment("type", &name));
        }
        for label in it.labels.iter().filter(|it| it.meaning.is_none()) {
            missing.push(MissingNote {
                object: format!("label {name}.{}", label.label),
                help: format!("COMMENT ON TYPE {name} IS '…', with a line `{}: …` in it", label.label),
            });
        }
    }
    for it in docs.domains.iter().filter(|it| it.comment.is_none()) {
        missing.push(comment("domain", &it.name.sql()));
    }
    for it in docs.functions.iter().filter(|it| it.comment.is_none()) {
        missing.push(comment("function", &format!("{}({})", it.name.sql(), it.arguments)));
    }
    missing
}

fn lint_relation(relation: &Relation, missing: &mut Vec<MissingNote>) {
    let name = relation.name.sql();
    let kind = match relation.kind {
        // As COMMENT ON has it.
        RelationKind::PartitionedTable => "table",
        kind => kind.words(),
    };
    if relation.comment.is_none() {
        missing.push(comment(kind, &name));
    }
    for it in relation.columns.iter().filter(|it| it.comment.is_none()) {
        missing.push(comment("column", &format!("{name}.{}", identifier(&it.name))));
    }
    // What a constraint keeps is for the constraint.
    let has_no_purpose = |it: &&Index| !it.keeps_constraint && it.purpose.is_none();
    for it in relation.indexes.iter().filter(has_no_purpose) {
        let index = Name {
            schema: relation.name.schema.clone(),
            name: it.name.clone(),
        };
        missing.push(comment("index", &index.sql()));
    }
    for it in relation.triggers.iter().filter(|it| it.comment.is_none()) {
        missing.push(comment("trigger", &format!("{} ON {name}", identifier(&it.name))));
    }
}

fn comment(kind: &str, name: &str) -> MissingNote {
    MissingNote {
        object: format!("{kind} {name}"),
        help: format!("COMMENT ON {} {name} IS '…';", kind.to_uppercase()),
    }
}
