//! The projection: the state of a delivery, as computed from its events.
//!
//! The order, the repetition and the batching of the events make no difference: the projection is a join-semilattice, which is
//! commutative, associative and idempotent. So it is a pure function of the *set* of events, and a rebuild from the ledger is
//! bit for bit what incremental projection has produced.
//!
//! | column | value |
//! |---|---|
//! | `last_event_at`, `last_event_type` | the greatest event by (`occurred_at`, lifecycle rank) |
//! | `dispatched_at`, `delivered_at`, `bounced_at`, `complained_at`, `suppressed_at` | the earliest `occurred_at` of that type |
//! | `terminal` | whether any event was terminal |
//! | `status` | the highest status that any event reached: queued < dispatched < sent < failed < suppressed |
//!
//! # The rules
//! The event types in lifecycle order, lowest rank first. Of two events with the same `occurred_at`, the one with the higher
//! rank is the last event. Types such as `opened` prove that the message was sent, so they reach `sent`. A type without a
//! status keeps the status: `subscribed` and `unsubscribed` are about a list, not about this message.
//!
//! | type | reaches status | terminal |
//! |---|---|---|
#![doc = include_str!("projection/rules.md")]

mod explain;
mod fold;
mod rebuild;
mod timeline;
mod verify;

pub use explain::Decision;
pub use fold::{Fact, Projection, fold};
pub(crate) use rebuild::rebuild_locked;
pub use rebuild::{RebuildProgress, rebuild, rebuild_all, rebuild_in_steps};
pub(crate) use timeline::Subjects;
pub use verify::{ColumnDivergence, Divergence, repair, verify};
