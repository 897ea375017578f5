//! The records: rows, what is inserted, and what may be changed.

mod attrs;
pub(crate) mod delivery;
pub(crate) mod event;
pub(crate) mod lifecycle;
pub(crate) mod provider_reference;

pub use crate::closed_sets::{DeliveryStatus, EventType, RejectReason, Stream, UnknownLabel};
pub use delivery::{Delivery, DeliveryChanges, NewDelivery};
pub use event::{Event, NewEvent};
