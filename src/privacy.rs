//! Personal data: erase a person, and export what is stored about one.
//!
//! A person is a recipient of a tenant, regardless of the case of ASCII letters.
//!
//! | Where | What is personal | When it goes |
//! |---|---|---|
//! | `mailglass_deliveries` | `recipient`; `metadata`, `last_error` and `idempotency_key`, if the application puts it there | [`erase`] replaces the recipient, and reports the others |
//! | `mailglass_event_details` | everything | [`erase`], or when it expires |
//! | `mailglass_event_links` | `recipient`, of an event without a delivery | when it is linked, or [`erase`] |
//! | `mailglass_events` | nothing: see [`NewEvent`](crate::NewEvent) | never |
//!
//! The ledger of an application that [allowed](crate::NewEvent::allow_personal_data) it, or that shares the tables with another
//! library, can contain an address. [`erase`] reports these events; a cut of the ledger removes them.

mod erase;
mod export;
mod person;

pub use erase::{EraseOptions, Erased, Erasure, Mention, erase, erase_with};
pub use export::{Export, ExportedDelivery, ExportedEvent, export};
