//! The behaviour: the projection, the states of orphans, and personal data.

use maud::{Markup, html};

use super::elements::{badge, column_link, own_link, relation_link, scrolling};
use super::{orphan_diagram, status_diagram};
use crate::schema_docs::model::{Behaviour, Docs, Enum, OrphanLife, Projection};

pub(super) fn section(docs: &Docs, behaviour: &Behaviour) -> Markup {
    html! {
        div.group #behaviour {
            h2 { "Behaviour" (own_link("behaviour")) }
            (projection(docs, &behaviour.projection))
            (orphans(&behaviour.orphan))
            (personal_data(docs))
        }
    }
}

fn personal_data(docs: &Docs) -> Markup {
    let columns = docs.personal_data();
    html! {
        section.entry #personal-data {
            h3 { "Personal data" (own_link("personal-data")) }
            div.prose {
                p { "These columns hold personal data, or may hold some because the application or the provider fills them." }
                ul {
                    @for (relation, column, words) in columns {
                        li {
                            (relation_link(docs, &relation.name)) "." (column_link(docs, &relation.name, &column.name))
                            (badge("private", words))
                        }
                    }
                }
            }
        }
    }
}

fn projection(docs: &Docs, projection: &Projection) -> Markup {
    html! {
        section.entry #projection {
            h3 { "Projection" (own_link("projection")) }
            div.prose {
                p {
                    "The projection columns of a delivery are computed from its events. Neither the order of the events nor "
                    "repeated ones change the result:"
                }
                ul {
                    li { b { "Last event" } ": the greatest event by (occurred_at, rank)." }
                    li { b { "Status" } ": the highest status that any event reaches. It never decreases." }
                    li { b { "Timestamps" } ": the earliest time of an event that sets the column." }
                    li { b { "Terminal" } ": whether any event is terminal." }
                }
            }
            div.wide.figure role="region" tabindex="0" aria-label="Diagram of the statuses" { (status_diagram::diagram(projection)) }
            div.block { h4 { "The rules" } (scrolling("Rules of the projection", &rules(docs, projection))) }
        }
    }
}

fn rules(docs: &Docs, projection: &Projection) -> Markup {
    let event_types = holder(docs, projection.rules.iter().map(|rule| rule.event_type.as_str()));
    let statuses = holder(docs, projection.statuses.iter().map(String::as_str));
    let stamps: Vec<&String> = projection.rules.iter().filter_map(|rule| rule.stamp.as_ref()).collect();
    let stamped = docs.relations.iter().find(|relation| {
        !stamps.is_empty()
            && stamps
                .iter()
                .all(|stamp| relation.columns.iter().any(|column| column.name == **stamp))
    });
    html! {
        table {
            thead {
                tr {
                    th scope="col" { "Rank" }
                    th scope="col" { "Event type" }
                    th scope="col" { "Status" }
                    th scope="col" { "Terminal" }
                    th scope="col" { "Sets" }
                }
            }
            tbody {
                @for rule in &projection.rules {
                    tr {
                        td.number { (rule.rank) }
                        th scope="row" { (label_link(event_types, &rule.event_type)) }
                        td {
                            @match &rule.status {
                                Some(status) => (label_link(statuses, status)),
                                None => span.soft { "unchanged" },
                            }
                        }
                        td { @if rule.terminal { "terminal" } }
                        td {
                            @if let Some(stamp) = &rule.stamp {
                                @match stamped {
                                    Some(relation) => (column_link(docs, &relation.name, stamp)),
                                    None => code { (stamp) },
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The smallest enum that has all these labels.
fn holder<'a>(docs: &'a Docs, labels: impl Iterator<Item = &'a str> + Clone) -> Option<&'a Enum> {
    let has = |enum_type: &&Enum| {
        labels
            .clone()
            .all(|wanted| enum_type.labels.iter().any(|label| label.label == wanted))
    };
    docs.enums
        .iter()
        .filter(has)
        .min_by_key(|enum_type| enum_type.labels.len())
}

fn label_link(holder: Option<&Enum>, label: &str) -> Markup {
    html! {
        @match holder {
            Some(enum_type) => a href={ "#" (enum_type.name.anchor_of("label", label)) } { code { (label) } },
            None => code { (label) },
        }
    }
}

fn orphans(life: &OrphanLife) -> Markup {
    html! {
        section.entry #orphans {
            h3 { "Orphans" (own_link("orphans")) }
            div.prose {
                p {
                    "An orphan is an event that was recorded before its delivery, or for which several deliveries match. A row "
                    "beside the ledger tracks it until a sweep of the reconciler links it or, after a maximum age, expires it. "
                    "The row of the event itself never changes."
                }
            }
            div.wide.figure role="region" tabindex="0" aria-label="Diagram of an orphan’s states" { (orphan_diagram::diagram(life)) }
            div.block { h4 { "States" } (scrolling("States of an orphan", &state_table(life))) }
            div.block { h4 { "Transitions" } (scrolling("Transitions of an orphan", &transitions(life))) }
        }
    }
}

fn state_table(life: &OrphanLife) -> Markup {
    html! {
        table {
            thead { tr { th scope="col" { "State" } th scope="col" { "Condition" } th scope="col" { "Meaning" } } }
            tbody {
                @for state in &life.states {
                    tr { th scope="row" { code { (state.name) } } td { code { (state.condition) } } td { (state.meaning) } }
                }
            }
        }
    }
}

fn transitions(life: &OrphanLife) -> Markup {
    html! {
        table {
            thead { tr { th scope="col" { "From" } th scope="col" { "To" } th scope="col" { "When" } } }
            tbody {
                @for transition in &life.transitions {
                    tr {
                        td { @match &transition.from { Some(from) => code { (from) }, None => span.soft { "start" } } }
                        td { code { (transition.to) } }
                        td { (transition.when) }
                    }
                }
            }
        }
    }
}
