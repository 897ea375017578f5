//! A relation's constraints.

use maud::{Markup, html};

use super::elements::{badge, block, comment};
use crate::schema_docs::model::Relation;

/// All constraints except the foreign keys, which are shown with their references.
pub(super) fn constraints(relation: &Relation) -> Markup {
    let items: Vec<Markup> = relation
        .constraints
        .iter()
        .filter(|constraint| {
            !relation
                .references
                .iter()
                .any(|reference| reference.is_held_by(constraint))
        })
        .map(|constraint| {
            html! {
                li.item id=(relation.name.anchor_of("constraint", &constraint.name)) {
                    p { code { (constraint.name) } (badge("", constraint.kind.as_str())) }
                    p.soft { code { (constraint.definition) } }
                    (comment(constraint.comment.as_ref()))
                }
            }
        })
        .collect();
    block("Constraints", &items)
}
