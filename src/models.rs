//! The records: rows, new rows and changes.

mod attrs;
mod closed_sets;
#[cfg(feature = "postgres")]
pub(crate) mod delivery;
pub(crate) mod event;
mod event_details;
pub(crate) mod full_metadata;
pub(crate) mod lifecycle;
pub(crate) mod provider_reference;
pub(crate) mod redacted;

pub use closed_sets::{
    DeliveryStatus, EventType, RejectReason, Stream, SuppressionReason, SuppressionScope, UnknownLabel,
};
#[cfg(feature = "postgres")]
pub use delivery::{Delivery, DeliveryChanges, NewDelivery};
pub use event::{Event, NewEvent};
pub use event_details::EventDetails;
