//! The reconciler: links events that arrived before their delivery.
//!
//! Such an event, an *orphan*, has a row in `mailglass_event_links`. A sweep checks pending orphans, least recently checked
//! first. If the delivery exists by now, the sweep links the event and projects it, with its original type and time. It never
//! changes the ledger. Its cost depends on the number of pending orphans, not on the size of the ledger. Run a sweep every
//! half minute or so, from any number of processes: a sweep skips rows that another one has locked.
//!
//! Most orphans do not wait for a sweep. A webhook that is faster than the commit of its message id is linked by
//! [`Delivery::mark_dispatched`](crate::Delivery::mark_dispatched), [`Delivery::update`](crate::Delivery::update) or
//! [`Attempt::sent`](crate::outbox::Attempt::sent) when it stores the id, in the same transaction. Sweeps link the others: those that
//! name a delivery by its id before it is inserted, that name the message of a delivery that is inserted with it, or that were being
//! recorded or swept at that moment. [`SweepReport::linked_events`] has what a sweep linked.
//!
//! `waiting_reason` is one of:
//!
//! | Reason | The event |
//! |---|---|
//! | `no_delivery` | names a delivery or a provider message that does not exist yet |
//! | `ambiguous` | names a provider message that several deliveries match |
//! | `malformed` | names no delivery, or a provider message without its provider or not as text |
//! | `unread` | was appended by another application, such as an Elixir one; the next sweep reads its metadata and payload |
//!
//! An orphan that is older than the age limit expires: `expired_at` has the time. It stays in the ledger. [`waiting`] and
//! [`expired`] return orphans. Neither kind is a fact of any delivery.

mod adopt;
mod link;
mod sweep;
mod sweep_options;
mod unlinked;

pub use sweep::sweep;
pub use sweep_options::{FailedLink, LinkedEvent, SweepOptions, SweepReport};
pub use unlinked::{UnlinkedEvent, expired, waiting};
