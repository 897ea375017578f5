//! Finds objects without a note.

use super::model::{Docs, Index, Name, Relation, RelationKind, identifier};

/// An object without a note, and the statement that adds one.
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
    for enum_type in &docs.enums {
        let name = enum_type.name.sql();
        if enum_type.comment.is_none() {
            missing.push(comment("type", &name));
        }
        for label in enum_type.labels.iter().filter(|label| label.meaning.is_none()) {
            missing.push(MissingNote {
                object: format!("label {name}.{}", label.label),
                help: format!("COMMENT ON TYPE {name} IS '…', with a line `{}: …` in it", label.label),
            });
        }
    }
    for domain in docs.domains.iter().filter(|domain| domain.comment.is_none()) {
        missing.push(comment("domain", &domain.name.sql()));
    }
    for function in docs.functions.iter().filter(|function| function.comment.is_none()) {
        missing.push(comment(
            "function",
            &format!("{}({})", function.name.sql(), function.arguments),
        ));
    }
    missing
}

fn lint_relation(relation: &Relation, missing: &mut Vec<MissingNote>) {
    let name = relation.name.sql();
    let kind = match relation.kind {
        // The keyword in COMMENT ON.
        RelationKind::PartitionedTable => "table",
        kind => kind.as_str(),
    };
    if relation.comment.is_none() {
        missing.push(comment(kind, &name));
    }
    for column in relation.columns.iter().filter(|column| column.comment.is_none()) {
        missing.push(comment("column", &format!("{name}.{}", identifier(&column.name))));
    }
    // The index of a constraint needs no note.
    let has_no_purpose = |index: &&Index| !index.keeps_constraint && index.purpose.is_none();
    for index in relation.indexes.iter().filter(has_no_purpose) {
        let index_name = Name {
            schema: relation.name.schema.clone(),
            name: index.name.clone(),
        };
        missing.push(comment("index", &index_name.sql()));
    }
    for trigger in relation.triggers.iter().filter(|trigger| trigger.comment.is_none()) {
        missing.push(comment("trigger", &format!("{} ON {name}", identifier(&trigger.name))));
    }
}

fn comment(kind: &str, name: &str) -> MissingNote {
    MissingNote {
        object: format!("{kind} {name}"),
        help: format!("COMMENT ON {} {name} IS '…';", kind.to_uppercase()),
    }
}
