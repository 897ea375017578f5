//! The crate's promises as data: the closed sets with their history, checks for your own lists, and a health check for a
//! live database.
//!
//! The promises are written in `api_stability.md`, which is part of the crate and available as [`MANIFEST`]. The crate builds
//! only if its Rust enums and its migrations agree with that page.
//!
//! # Your own lists
//!
//! **In Rust**, at compile time: [`assert_closed_set!`](crate::assert_closed_set) reports the first difference as an error
//! at your line.
//!
//! ```
//! use mailglass::{Stream, assert_closed_set};
//!
//! assert_closed_set!(Stream, ["transactional", "operational", "bulk"]);
//! ```
//!
//! **In other languages**, in a test or in a build script with `mailglass` as a build-dependency: [`ClosedSet::check`] reports
//! all differences. A TypeScript union:
//!
//! ```
//! use mailglass::RejectReason;
//!
//! # fn main() -> Result<(), mailglass::contract::Mismatch> {
//! // In your test: std::fs::read_to_string("web/src/reject_reason.ts")?
//! let typescript = r#"
//!     export type RejectReason =
//!         | "invalid" | "bounced" | "timed_out" | "blocked"
//!         | "spam" | "unsubscribed" | "other";
//! "#;
//! let labels = typescript.split('"').skip(1).step_by(2);
//! RejectReason::CLOSED_SET.check(labels)?;
//! # Ok(())
//! # }
//! ```
//!
//! A GraphQL enum, with values in upper case:
//!
//! ```
//! use mailglass::Stream;
//!
//! let graphql = "enum Stream { TRANSACTIONAL OPERATIONAL BULK_MAIL }";
//! let values = graphql.split(['{', '}']).nth(1).unwrap_or_default();
//! let mismatch = Stream::CLOSED_SET.check(values.split_whitespace().map(str::to_lowercase)).unwrap_err();
//! assert_eq!(
//!     mismatch.to_string(),
//!     "Stream (mailglass_stream): `bulk` is missing; `bulk_mail` is not one of its labels",
//! );
//! ```
//!
//! A second database, in which the order matters:
//!
//! ```
//! # test_support::with_database(|conn| {
//! use diesel::dsl::sql;
//! use diesel::prelude::*;
//! use diesel::sql_types::{Array, Text};
//! use mailglass::EventType;
//!
//! let labels: Vec<String> =
//!     diesel::select(sql::<Array<Text>>("enum_range(NULL::mailglass_event_type)::text[]")).get_result(conn)?;
//! EventType::CLOSED_SET.check_in_order(labels).expect("the warehouse has our event types");
//! # Ok(())
//! # });
//! ```
//!
//! **Generated tables and documents**: [`SETS`] has the label, the variant, the meaning and the versions of every value. Tools
//! in other languages can read it as JSON:
//!
//! ```
//! let json = serde_json::to_value(mailglass::contract::SETS)?;
//! assert_eq!(json[0]["values"][0]["label"], "transactional");
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! # A live database
//!
//! [`verify`] compares a database with the expectations of this build. [`warnings`] names rights that an application should not
//! have.

mod assert;
#[doc(hidden)]
pub mod builtins;
mod catalog;
mod did_you_mean;
mod difference;
mod mismatch;
mod object_kind;
#[cfg(feature = "postgres")]
mod policies;
mod promises;
#[cfg(feature = "postgres")]
mod session;
#[cfg(feature = "postgres")]
mod shards;
#[cfg(feature = "postgres")]
mod verify;
#[cfg(feature = "postgres")]
mod warnings;

#[doc(hidden)]
pub use assert::{Message, first_difference};
pub use difference::Difference;
pub use mismatch::{LabelDifference, Mismatch};
pub use object_kind::ObjectKind;
pub use promises::{ClosedSet, MANIFEST, NAMES, PromisedName, SETS, Value};
#[cfg(feature = "postgres")]
pub use verify::verify;
#[cfg(feature = "postgres")]
pub use warnings::{Warning, warnings};

/// The crate's tables.
pub(crate) fn tables() -> impl Iterator<Item = &'static str> {
    let is_table = |object: &&(ObjectKind, &str, &str)| object.0 == ObjectKind::Table;
    catalog::CATALOG.iter().filter(is_table).map(|object| object.1)
}

/// The crate's tables that have a column `tenant_id`.
pub(crate) fn tables_with_tenants() -> impl Iterator<Item = &'static str> {
    let columns = catalog::CATALOG.iter().filter(|object| object.0 == ObjectKind::Column);
    columns.filter_map(|object| object.1.strip_suffix(".tenant_id"))
}
