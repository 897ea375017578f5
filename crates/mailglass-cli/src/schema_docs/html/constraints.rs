//! A relation's constraints.

use maud::{Markup, html};

use super::elements::{badge, block, comment};
use crate::schema_docs::model::Relation;

/// All but the foreign keys that stand with their references.
pub(super) fn constraints(relation: &Relation) -> Markup {
    let items: Vec<Markup> = relation
        .constraints
        .iter()
        .filter(|it| !relation.references.iter().any(|reference| reference.is_held_by(it)))
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
