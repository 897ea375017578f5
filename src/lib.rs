//! mailglass stores transactional e-mail in PostgreSQL: each delivery, every event that a provider reports about it, and the
//! status that follows from these events.
//!
//! ```
//! use chrono::Utc;
//! use mailglass::{DeliveryStatus, EventType, NewDelivery, NewEvent, Stream, ledger};
//!
//! # test_support::with_database(|conn| {
//! let delivery = NewDelivery::new("acme", "welcome", Stream::Transactional, "ann@example.com")
//!     .tenant_idempotency_key("welcome:42")
//!     .insert(conn)?
//!     .into_delivery();
//! let delivery = delivery.mark_dispatched(conn, "postmark", "0a129aee", Utc::now())?;
//! assert_eq!(delivery.status, DeliveryStatus::Dispatched);
//!
//! // The webhook handler knows only the provider's message id.
//! let delivered = NewEvent::new("acme", EventType::Delivered, Utc::now())
//!     .provider_message("postmark", "0a129aee")
//!     .tenant_idempotency_key("postmark:delivery:0a129aee");
//! ledger::record(conn, &[delivered])?;
//!
//! let events: Vec<EventType> = delivery.timeline(conn)?.iter().map(|event| event.type_).collect();
//! assert_eq!(events, [EventType::Queued, EventType::Dispatched, EventType::Delivered]);
//! # Ok(())
//! # });
//! ```
//!
//! # Contents
//!
//! - [Concepts](#concepts): deliveries, the ledger, the projection, links
//! - [Tasks](#tasks): the function for each task
//! - [Transactions](#transactions): what is atomic, and which errors leave your transaction usable
//! - [Crate features](#crate-features)
//!
//! Longer documents:
//!
//! - [The design](_documentation::design): terms, rules, layout and reasons
//! - [The promises about the closed sets and the names in the database](_documentation::stability)
//! - [Sending](_documentation::sending): the time line of an attempt, crashes, and the keys of providers
//! - [Tenants and roles](_documentation::tenants): row-level security, poolers, and the rights of each role
//! - [Checkpoints of the ledger](_documentation::checkpoints): what they reveal, their form and their cost
//! - [Retention: how old deliveries leave](_documentation::retention)
//! - [Sharing the tables with the Elixir library](_documentation::elixir)
//! - [The changelog](_documentation::changelog)
//!
//! # Concepts
//!
//! A [`Delivery`] is one message to one recipient through one provider. An [`Event`] is one thing that happened to it, such as
//! `delivered` or `bounced`. Events are only ever appended: together they are the [`ledger`].
//!
//! The status of a delivery, the times at which it was dispatched or bounced, and its last event are its [`projection`]. It is
//! computed from the delivery's events and does not depend on their order or repetition. [`ledger::record`] appends events
//! and updates the projection in one statement.
//!
//! An event finds its delivery by id, or by the provider's message id. If the delivery does not exist yet, the event is an
//! orphan: it is recorded at once and waits until the [`reconciler`] links it.
//!
//! An idempotency key makes an insert safe to repeat. The same key with the same content is a replay, which changes nothing. The
//! same key with different content is a conflict. Keys are unique across all tenants; one that carries its tenant
//! ([`tenant_idempotency_key`]) can't be taken by another one.
//!
//! # Tasks
//!
//! | Task | Functions |
//! |---|---|
//! | Create the tables | [`migrations::run`], [`migrations::list`], [`migrations::revert_to`] |
//! | Grant rights to roles | [`roles::grant`], [`roles::statements`] |
//! | Separate tenants | [`tenancy::enable`], [`tenancy::scoped`], [`Delivery::for_tenant`], [`Event::for_tenant`] |
//! | Insert deliveries | [`NewDelivery::insert`], [`NewDelivery::insert_all`] |
//! | Record the steps of sending | [`Delivery::mark_dispatched`], [`Delivery::mark_failed`], [`Delivery::mark_suppressed`] |
//! | Send deliveries | [`NewDelivery::send`], [`outbox::claim`], [`outbox::Claim::begin`], [`outbox::Attempt::sent`], [`outbox::wait`] |
//! | Not to send to some recipients | [`suppressions::add`], [`suppressions::check`], [`NewDelivery::suppress`], [`ledger::record_with`] |
//! | Record webhooks | [`ledger::record_each`], [`ledger::record`] |
//! | Import a history | [`ledger::record_batches`], [`ledger::append`] |
//! | Link events that arrived early | [`reconciler::sweep`], [`reconciler::waiting`], [`reconciler::expired`] |
//! | Read | [`Delivery::find`], [`Delivery::timeline`], queries over [`schema`] |
//! | Join with your own tables | [`joinable!`] |
//! | Change a delivery | [`Delivery::update`] with [`DeliveryChanges`] |
//! | Find out why a delivery has its status | [`Delivery::explain`] |
//! | Check and correct projections | [`projection::verify`], [`projection::repair`], [`projection::rebuild_all`] |
//! | Suppress recipients | [`suppressions::add`], [`suppressions::check`], [`ledger::record_with`] |
//! | Erase or export a person | [`privacy::erase`], [`privacy::export`] |
//! | Remove old deliveries with their events | [`retention::cut`], [`retention::expire_details`] |
//! | Parse JSON | [`NewDelivery::from_attrs`], [`NewEvent::from_attrs`], [`DeliveryChanges::from_attrs`] |
//! | Check a live database | [`contract::verify`] |
//! | Reveal changes by somebody who can disable the guard | [`ledger::checkpoint`], [`ledger::verify_checkpoints`] |
//! | Check lists of your own against the closed sets | [`assert_closed_set!`], [`contract::ClosedSet::check`] |
//!
//! # Transactions
//!
//! Every call is atomic by itself, and takes part in your transaction if there is one. If a call returns an [`Error`], your
//! transaction remains usable and keeps everything before the call. The exceptions are [`Error::Database`],
//! [`Error::SerializationFailure`] and [`Error::Migration`]: roll back after them. (A sweep, [`projection::repair`],
//! [`projection::rebuild_all`], [`ledger::record_batches`] and [`migrations::run`] are several transactions if you do not open one;
//! they document their steps.)
//!
//! Outside a transaction of yours, a call that fails to serialize is retried. A lost connection is reported. Repeat the call
//! with the same idempotency keys: whatever the server has already written is a replay.
//!
//! # Crate features
//!
//! - `postgres`, which is enabled by default, is everything that uses a connection. Without it, the crate has
//!   [`NewEvent`], [`EventDetails`], the closed sets and their errors, and needs no libpq.
//! - `bundled` builds libpq from source and links it statically, without TLS. By default, Diesel links the system's libpq.

#![cfg_attr(
    not(feature = "postgres"),
    allow(dead_code, unused_imports, reason = "some of it serves connections only")
)]

#[cfg(doc)]
pub mod _documentation;
pub mod contract;
#[cfg(feature = "postgres")]
mod deliveries;
mod error;
mod idempotency;
#[cfg(feature = "postgres")]
mod joinable;
#[cfg(feature = "postgres")]
pub mod ledger;
#[cfg(feature = "postgres")]
pub mod migrations;
mod models;
#[cfg(feature = "postgres")]
pub mod outbox;
#[cfg(feature = "postgres")]
pub mod privacy;
#[cfg(feature = "postgres")]
pub mod projection;
#[cfg(feature = "postgres")]
pub mod reconciler;
#[cfg(feature = "postgres")]
pub mod retention;
#[cfg(feature = "postgres")]
mod retry;
#[cfg(feature = "postgres")]
pub mod roles;
#[expect(
    missing_docs,
    reason = "generated by the Diesel CLI: what it leaves undocumented is its own"
)]
pub mod schema;
#[cfg(feature = "postgres")]
mod sql;
#[cfg(feature = "postgres")]
pub mod suppressions;
#[cfg(feature = "postgres")]
pub mod tenancy;
mod validation;

#[cfg(feature = "postgres")]
pub use deliveries::Inserted;
pub use error::{CutRejection, Error, FieldError, IdempotencyKey, Invalid, LedgerOperation, LostRows, Result};
pub use idempotency::tenant_idempotency_key;
#[cfg(feature = "postgres")]
pub use models::{Delivery, DeliveryChanges, NewDelivery};
pub use models::{
    DeliveryStatus, Event, EventDetails, EventType, NewEvent, RejectReason, Stream, SuppressionReason,
    SuppressionScope, UnknownLabel,
};
pub use validation::{
    MAX_BATCH, MAX_BATCH_BYTES, MAX_DETAIL_BYTES, MAX_JSON_BYTES, MAX_JSON_DEPTH, MAX_JSON_MEMBERS, MAX_KEY_BYTES,
    MAX_MESSAGE_ID_BYTES, MAX_TEXT_BYTES,
};

/// Compiles the code blocks of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
