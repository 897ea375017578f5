//! The mapping of a provider's events, as data: what normalizes them, and the table in the README.

use mailglass::{EventType, RejectReason};

/// What is known of a provider's webhooks.
#[derive(Debug)]
pub struct Facts {
    /// The provider's own name.
    pub title: &'static str,
    /// The events of its documentation.
    pub mappings: &'static [Mapping],
    /// What identifies the message: the field of the webhook, and that of the send API's answer which has the same value.
    pub message_id: &'static str,
    /// How a request is verified.
    pub signature: &'static str,
    /// Where the provider documents its webhooks.
    pub documentation: &'static str,
    /// The date on which that was read.
    pub read_on: &'static str,
}

/// How one event of a provider is mapped.
#[derive(Debug, PartialEq)]
pub struct Mapping {
    /// The provider's name of the event.
    pub event: &'static str,
    /// The provider's further classification, such as a type of bounce; empty if the event has none, or for any other.
    pub kind: &'static str,
    /// The event's type.
    pub event_type: EventType,
    /// Why the message was rejected or bounced.
    pub reject_reason: Option<RejectReason>,
    /// Whether a bounce is hard, if the provider says so.
    pub permanent: Option<bool>,
}

impl Mapping {
    pub(crate) const fn new(event: &'static str, event_type: EventType) -> Self {
        Mapping {
            event,
            kind: "",
            event_type,
            reject_reason: None,
            permanent: None,
        }
    }

    pub(crate) const fn kind(mut self, kind: &'static str) -> Self {
        self.kind = kind;
        self
    }

    pub(crate) const fn reason(mut self, reason: RejectReason) -> Self {
        self.reject_reason = Some(reason);
        self
    }

    /// A hard bounce: the address does not work.
    pub(crate) const fn hard(mut self) -> Self {
        self.permanent = Some(true);
        self
    }

    /// A soft bounce: the address may work later.
    pub(crate) const fn soft(mut self) -> Self {
        self.permanent = Some(false);
        self
    }
}

/// The mapping of an event of this kind, or else the one of the event for any other kind.
pub(crate) fn find(mappings: &'static [Mapping], event: &str, kind: &str) -> Option<&'static Mapping> {
    let of_event = || mappings.iter().filter(|mapping| mapping.event == event);
    of_event()
        .find(|mapping| mapping.kind == kind)
        .or_else(|| of_event().find(|mapping| mapping.kind.is_empty()))
}
