//! The behaviour of mailglass, generated from its code: the rules from projections of single events, and the limits from
//! the reconciler's defaults.

use std::time::Duration;

use chrono::DateTime;
use mailglass::projection::{Fact, fold};
use mailglass::reconciler::SweepOptions;
use mailglass::{DeliveryStatus, EventType};

use super::model::{Behaviour, OrphanLife, OrphanState, Projection, Rule, Transition};

pub(crate) fn behaviour() -> Behaviour {
    Behaviour {
        projection: projection(),
        orphan: orphan(),
    }
}

fn projection() -> Projection {
    let mut event_types = EventType::ALL.to_vec();
    event_types.sort_by_key(|event_type| event_type.lifecycle_rank());
    let mut statuses = DeliveryStatus::ALL.to_vec();
    statuses.sort_by_key(|status| status.rank());
    Projection {
        rules: event_types.into_iter().map(rule).collect(),
        statuses: statuses.iter().map(ToString::to_string).collect(),
    }
}

fn rule(event_type: EventType) -> Rule {
    let fact = Fact {
        event_type,
        occurred_at: DateTime::UNIX_EPOCH,
    };
    // The projection of one event sets no timestamp except its own and `last_event_at`.
    let columns = fold([fact])
        .map(|projection| projection.columns())
        .into_iter()
        .flatten();
    let stamp = columns
        .filter(|(column, value)| column.ends_with("_at") && *column != "last_event_at" && value.is_some())
        .map(|(column, _)| column.to_owned())
        .next();
    Rule {
        event_type: event_type.to_string(),
        rank: event_type.lifecycle_rank(),
        status: event_type.status().map(|status| status.to_string()),
        terminal: event_type.is_terminal(),
        stamp,
    }
}

fn orphan() -> OrphanLife {
    let SweepOptions {
        limit, grace, max_age, ..
    } = SweepOptions::all_tenants();
    let (grace, max_age) = (duration_text(grace), duration_text(max_age));
    let state = |name: &str, condition: &str, meaning: &str| OrphanState {
        name: name.to_owned(),
        condition: condition.to_owned(),
        meaning: meaning.to_owned(),
    };
    let transition = |from: Option<&str>, to: &str, when: String| Transition {
        from: from.map(str::to_owned),
        to: to.to_owned(),
        when,
    };
    OrphanLife {
        states: vec![
            state(
                "no_delivery",
                "linked_at IS NULL AND expired_at IS NULL AND waiting_reason = 'no_delivery'",
                "Waits, because no delivery matches yet.",
            ),
            state(
                "ambiguous",
                "linked_at IS NULL AND expired_at IS NULL AND waiting_reason = 'ambiguous'",
                "Waits, because several deliveries match: the provider message has several recipients, and the event names none.",
            ),
            state(
                "malformed",
                "linked_at IS NULL AND expired_at IS NULL AND waiting_reason = 'malformed'",
                "Waits, because its payload names only a part of a provider message.",
            ),
            state(
                "linked",
                "linked_at IS NOT NULL",
                "Belongs to the timeline and the projection of its delivery. The row of the event has not changed.",
            ),
            state(
                "expired",
                "expired_at IS NOT NULL",
                "Waited too long. The event stays in the ledger, and waiting_reason tells why it waited.",
            ),
        ],
        transitions: vec![
            transition(None, "no_delivery", "ledger::record finds no delivery".to_owned()),
            transition(None, "ambiguous", "ledger::record finds several deliveries".to_owned()),
            transition(
                None,
                "malformed",
                "its payload names a part of a provider message".to_owned(),
            ),
            transition(
                Some("no_delivery"),
                "linked",
                format!("a sweep finds the delivery (after {grace}, up to {limit} events per sweep)"),
            ),
            transition(
                Some("no_delivery"),
                "ambiguous",
                "a sweep finds several deliveries".to_owned(),
            ),
            transition(
                Some("ambiguous"),
                "linked",
                "a sweep finds only one delivery".to_owned(),
            ),
            transition(Some("ambiguous"), "no_delivery", "a sweep finds no delivery".to_owned()),
            transition(Some("no_delivery"), "expired", format!("it has waited for {max_age}")),
            transition(Some("ambiguous"), "expired", format!("it has waited for {max_age}")),
            transition(Some("malformed"), "expired", format!("it has waited for {max_age}")),
        ],
    }
}

/// A duration as text, in the largest unit without a remainder.
fn duration_text(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (count, unit) = if seconds.is_multiple_of(86_400) {
        (seconds / 86_400, "day")
    } else if seconds.is_multiple_of(3_600) {
        (seconds / 3_600, "hour")
    } else if seconds.is_multiple_of(60) {
        (seconds / 60, "minute")
    } else {
        (seconds, "second")
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}
