//! A relation's triggers, and the Rust errors that they cause.

use maud::{Markup, html};

use super::elements::{badge, block, code_block, comment, list};
use crate::schema_docs::model::{Docs, Enabled, Relation, RustError, Trigger};

pub(super) fn triggers(docs: &Docs, relation: &Relation) -> Markup {
    let items: Vec<Markup> = relation
        .triggers
        .iter()
        .map(|trigger| item(docs, relation, trigger))
        .collect();
    block("Triggers", &items)
}

fn item(docs: &Docs, relation: &Relation, trigger: &Trigger) -> Markup {
    html! {
        li.item id=(relation.name.anchor_of("trigger", &trigger.name)) {
            p {
                code { (trigger.name) }
                (badge(if trigger.enabled == Enabled::Disabled { "bad" } else { "" }, trigger.enabled.as_str()))
            }
            p {
                (trigger.timing) " " (trigger.events.join(" or ")) ", for each " (trigger.level.to_lowercase()) ", calls "
                @match docs.trigger_function_anchor(&trigger.function) {
                    Some(anchor) => a href={ "#" (anchor) } { code { (trigger.function.plain()) "()" } },
                    None => code { (trigger.function.plain()) "()" },
                }
            }
            (comment(trigger.comment.as_ref()))
            (code_block(&trigger.definition))
            @if let Some(error) = &trigger.rust_error { (rust_error(error)) }
        }
    }
}

fn rust_error(error: &RustError) -> Markup {
    html! {
        dl.facts {
            div { dt { "SQLSTATE" } dd { code { (error.sqlstate) } } }
            div { dt { "In Rust" } dd { (list(error.patterns.iter().map(|pattern| html! { code { (pattern) } }))) } }
            div { dt { "Predicate" } dd { code { (error.predicate) } } }
            div { dt { "Message" } dd { "“" (error.message) "”" } }
        }
    }
}
