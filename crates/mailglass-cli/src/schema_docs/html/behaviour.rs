//! How it behaves: what events do to a delivery, and what becomes of an event that finds none.

use maud::{Markup, html};

use super::elements::{badge, column_link, own_link, relation_link, scrolling};
use super::{orphan_diagram, status_diagram};
use crate::schema_docs::model::{Behaviour, Docs, Enum, OrphanLife, Projection};

pub(super) fn section(docs: &Docs, behaviour: &Behaviour) -> Markup {
    html! {
        div.group #behaviour {
            h2 { "How it behaves" (own_link("behaviour")) }
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
            h3 { "Where personal data is" (own_link("personal-data")) }
            div.prose {
                p { "These columns are meant for it, or may hold some, because the application or the provider fills them." }
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
            h3 { "How events move a delivery" (own_link("projection")) }
            div.prose {
                p {
                    "A delivery’s projection is what its events come to. Each of its columns is a join, so neither their order "
                    "nor how often one arrives makes a difference:"
                }
                ul {
                    li { b { "Last event" } ": the greatest by (occurred_at, rank); the rank decides at the same instant." }
                    li { b { "Status" } ": the highest that any event reached. It never goes down." }
                    li { b { "Stamps" } ": the earliest time of an event that stamps the column." }
                    li { b { "Terminal" } ": whether any event was terminal." }
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
                    th scope="col" { "Reaches the status" }
                    th scope="col" { "Terminal" }
                    th scope="col" { "Stamps" }
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
                                None => span.soft { "leaves it" },
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

/// The enum that has all these labels: the smallest, should several.
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
            h3 { "The life of an orphan" (own_link("orphans")) }
            div.prose {
                p {
                    "An event lands in the ledger even where its delivery isn’t there yet. Beside the ledger it then waits for "
                    "the delivery, and a sweep of the reconciler links it or, past an age, gives it up. The event’s own row never changes."
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
            thead { tr { th scope="col" { "State" } th scope="col" { "Told by" } th scope="col" { "Meaning" } } }
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
                        td { @match &transition.from { Some(from) => code { (from) }, None => span.soft { "the beginning" } } }
                        td { code { (transition.to) } }
                        td { (transition.when) }
                    }
                }
            }
        }
    }
}
