//! What the provider knows.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

/// The provider's books: every message that it has sent, and what it was asked.
#[derive(Clone, Debug, Default)]
pub struct Books {
    /// The messages, in the order in which they were accepted.
    pub messages: Vec<Message>,
    /// The positions of the messages, by idempotency key.
    pub(crate) by_key: HashMap<String, usize>,
    /// How many requests each recipient had.
    pub(crate) requests_by_recipient: HashMap<String, u64>,
    /// Requests to send a message.
    pub requests: usize,
    /// Requests for a message that had been accepted before, which the idempotency key revealed.
    pub repeated_requests: usize,
    /// Requests that were refused for good.
    pub refused: usize,
    /// Requests that were answered with 503 before their message was accepted.
    pub unavailable_before: usize,
    /// Requests that were answered with 503 after their message was accepted.
    pub unavailable_after: usize,
    /// Requests whose connection was closed after their message was accepted.
    pub dropped: usize,
    /// Requests whose answer was slow.
    pub slow: usize,
    /// Events, each counted once.
    pub events: usize,
    /// Webhook requests that were answered with 200.
    pub webhooks: usize,
    /// Webhook requests that were not, and were repeated.
    pub failed_webhooks: usize,
}

/// A message that the provider has sent.
#[derive(Clone, Debug)]
pub struct Message {
    /// The provider's id.
    pub id: String,
    /// The `Idempotency-Key` of the request.
    pub idempotency_key: Option<String>,
    /// The address.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The arguments, which the webhooks repeat.
    pub arguments: Value,
    /// When it was accepted.
    pub accepted_at: DateTime<Utc>,
    /// What became of it.
    pub fate: Fate,
}

/// What becomes of a message. The part of the address before the `@` or a `+` decides it, as in the sandboxes of real providers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// `refused`: the provider answers 422.
    Refused,
    /// `nobody`: the mailbox does not exist.
    HardBounce,
    /// `full`: the mailbox is full.
    SoftBounce,
    /// `angry`: it is delivered, and reported as spam.
    Complaint,
    /// Any other: it is delivered.
    Delivered,
}

impl Fate {
    /// The fate of a message to this address.
    pub fn of(address: &str) -> Fate {
        match address.split(['@', '+']).next() {
            Some("refused") => Fate::Refused,
            Some("nobody") => Fate::HardBounce,
            Some("full") => Fate::SoftBounce,
            Some("angry") => Fate::Complaint,
            _ => Fate::Delivered,
        }
    }
}
