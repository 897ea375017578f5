//! The projection: what a delivery's events say about it, whatever order they arrive in and however often.
//!
//! It is a join-semilattice: commutative, associative and idempotent. So the result is a pure function of the *set* of
//! events, and a rebuild from the ledger gives, to the last bit, what incremental projection had produced.
//!
//! | column | value |
//! |---|---|
//! | `last_event_at`, `last_event_type` | the greatest event by (`occurred_at`, lifecycle rank) |
//! | `dispatched_at`, `delivered_at`, `bounced_at`, `complained_at`, `suppressed_at` | the earliest `occurred_at` of that type |
//! | `terminal` | whether any event was terminal |
//! | `status` | the highest status that any event reached: queued < dispatched < sent < failed < suppressed |
//!
//! # The rules
//! In lifecycle order, lowest rank first: at the same instant the later row wins. It is the order in which things can
//! happen to a message. What is done with a message proves that it was sent, so those types reach `sent`; a type without
//! a status leaves it (`subscribed` and `unsubscribed` are about a list, not about this message).
//!
//! | type | reaches status | terminal |
//! |---|---|---|
#![doc = include_str!("projection/rules.md")]

mod audit;
mod explain;
mod fold;
mod rebuild;
mod timeline;

pub use audit::{ColumnDivergence, Divergence, repair, verify};
pub use explain::Decision;
pub use fold::{Fact, Projection, fold};
pub(crate) use rebuild::rebuild_locked;
pub use rebuild::{RebuildProgress, rebuild, rebuild_all, rebuild_in_steps};
