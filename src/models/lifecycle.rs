//! The rules of the projection, as one table. The SQL, the fold in Rust and the documentation are made from it.

use super::closed_sets::{DeliveryStatus, EventType};

/// The effect of an event type on its delivery.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    pub(crate) event_type: EventType,
    /// The status that the delivery reaches, unless it has a higher one. `None` keeps the status.
    pub(crate) status: Option<DeliveryStatus>,
    pub(crate) terminal: bool,
}

const fn rule(event_type: EventType, status: Option<DeliveryStatus>, terminal: bool) -> Rule {
    Rule {
        event_type,
        status,
        terminal,
    }
}

/// Every event type, lowest lifecycle rank first.
///
/// A bounce outranks `delivered`, because a message can bounce after the receiving server accepted it. The table is code and not
/// a database table, which could differ from what the projections were made with.
pub(crate) const RULES: [Rule; EventType::ALL.len()] = {
    use DeliveryStatus::{Dispatched, Failed, Queued, Sent, Suppressed};
    [
        rule(EventType::Unknown, None, false),
        rule(EventType::Queued, Some(Queued), false),
        rule(EventType::Suppressed, Some(Suppressed), true),
        rule(EventType::Dispatched, Some(Dispatched), false),
        rule(EventType::Sent, Some(Sent), false),
        rule(EventType::Deferred, None, false),
        rule(EventType::Rejected, Some(Failed), true),
        rule(EventType::Failed, Some(Failed), true),
        rule(EventType::Delivered, Some(Sent), true),
        rule(EventType::Bounced, Some(Failed), true),
        rule(EventType::Autoresponded, Some(Sent), false),
        rule(EventType::Opened, Some(Sent), false),
        rule(EventType::Clicked, Some(Sent), false),
        rule(EventType::Subscribed, None, false),
        rule(EventType::Unsubscribed, None, false),
        rule(EventType::Complained, Some(Sent), true),
    ]
};

/// Every status, lowest rank first.
pub(crate) const STATUS_ORDER: [DeliveryStatus; DeliveryStatus::ALL.len()] = [
    DeliveryStatus::Queued,
    DeliveryStatus::Dispatched,
    DeliveryStatus::Sent,
    DeliveryStatus::Failed,
    DeliveryStatus::Suppressed,
];

impl EventType {
    fn rule(self) -> (usize, &'static Rule) {
        let position = RULES.iter().position(|rule| rule.event_type == self);
        // A test checks that the table has every type, so the default is never used.
        let position = position.unwrap_or_default();
        (position, &RULES[position])
    }

    /// The rank that orders events with the same `occurred_at`: see [`projection`](crate::projection).
    pub fn lifecycle_rank(self) -> usize {
        self.rule().0
    }

    /// Whether this event concludes a delivery: delivered, bounced, complained, rejected, failed or suppressed. Others, such
    /// as `opened`, may still follow.
    pub fn is_terminal(self) -> bool {
        self.rule().1.terminal
    }

    /// The status that a delivery reaches with this event, unless it has a higher one. `None` keeps the status.
    pub fn status(self) -> Option<DeliveryStatus> {
        self.rule().1.status
    }
}

impl DeliveryStatus {
    /// The rank of the status: queued < dispatched < sent < failed < suppressed. The projection keeps the highest.
    pub fn rank(self) -> usize {
        let position = STATUS_ORDER.iter().position(|status| *status == self);
        position.unwrap_or_default()
    }
}
