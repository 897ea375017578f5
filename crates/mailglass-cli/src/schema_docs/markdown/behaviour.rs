//! The behaviour, as Markdown.

use super::elements::column_link;
use super::text::{block, cell, code, link, table};
use crate::schema_docs::mermaid;
use crate::schema_docs::model::{Behaviour, Docs, Name};

pub(super) fn section(docs: &Docs, behaviour: &Behaviour) -> String {
    let Behaviour { projection, orphan } = behaviour;
    let event_type = Name {
        schema: None,
        name: "mailglass_event_type".to_owned(),
    };
    let label = |label: &str| link(&code(label), &event_type.anchor_of("label", label));
    let rules: Vec<Vec<String>> = projection
        .rules
        .iter()
        .map(|rule| {
            vec![
                rule.rank.to_string(),
                label(&rule.event_type),
                rule.status.as_deref().map_or("unchanged".to_owned(), code),
                if rule.terminal { "yes" } else { "" }.to_owned(),
                rule.stamp.as_deref().map_or(String::new(), code),
            ]
        })
        .collect();
    let states: Vec<Vec<String>> = orphan
        .states
        .iter()
        .map(|state| vec![code(&state.name), cell(&state.meaning), code(&state.condition)])
        .collect();
    let transitions: Vec<Vec<String>> = orphan
        .transitions
        .iter()
        .map(|transition| {
            vec![
                transition.from.as_deref().map_or("(start)".to_owned(), code),
                code(&transition.to),
                cell(&transition.when),
            ]
        })
        .collect();
    let links = Name {
        schema: None,
        name: "mailglass_event_links".to_owned(),
    };
    let waits_in = docs
        .relation_anchor(&links)
        .map(|anchor| format!(" {} tracks it.", link(&code(&links.name), &anchor)))
        .unwrap_or_default();
    let ladder = projection
        .statuses
        .iter()
        .map(|status| code(status))
        .collect::<Vec<_>>()
        .join(" < ");
    [
        "## Behaviour\n\n<a id=\"projection\"></a>\n\n### Projection\n".to_owned(),
        format!(
            "The projection columns of a delivery are computed from its events. Neither the order of the events nor repeated \
             ones change the result. `last_event_type` and `last_event_at` are those of the greatest event by (`occurred_at`, \
             rank). Each timestamp is the earliest of its event types. `terminal` is whether any event is terminal. `status` is \
             the highest status that any event reaches: {ladder}.\n"
        ),
        block("mermaid", &mermaid::projection(projection)),
        table(
            &["Rank", "Event type", "`status`", "Terminal", "Sets"],
            &rules,
        ),
        "<a id=\"orphans\"></a>\n\n### Orphans\n".to_owned(),
        format!("An orphan is an event that was recorded before its delivery, or for which several deliveries match.{waits_in}\n"),
        block("mermaid", &mermaid::orphan(orphan)),
        table(&["State", "Meaning", "Condition on `mailglass_event_links`"], &states),
        table(&["From", "To", "When"], &transitions),
        "<a id=\"personal-data\"></a>\n\n### Personal data\n".to_owned(),
        personal_data(docs),
    ]
    .join("\n")
}

fn personal_data(docs: &Docs) -> String {
    let columns = docs.personal_data().into_iter();
    let items = columns.map(|(relation, column, words)| format!("- {}: {words}\n", column_link(relation, column)));
    let items: String = items.collect();
    format!(
        "These columns hold personal data, or may hold some because the application or the provider fills them.\n\n{items}"
    )
}
