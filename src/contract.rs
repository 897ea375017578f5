//! What the crate promises, as data: the closed sets with their history, a compile-time check for your own lists, and a
//! health check for a live database.
//!
//! The promise itself is `api_stability.md`, in the crate and as [`MANIFEST`]. The crate doesn't build unless its Rust enums
//! and its migrations agree with that page; this module carries the page over to your code, so that your lists stay in
//! step, too.
//!
//! # Your own lists
//!
//! **In Rust**, at compile time: [`assert_closed_set!`](crate::assert_closed_set) names the first difference in an error
//! at your line.
//!
//! ```
//! use mailglass::{Stream, assert_closed_set};
//!
//! assert_closed_set!(Stream, ["transactional", "operational", "bulk"]);
//! ```
//!
//! **Elsewhere**, in a test or a build script (with `mailglass` among the build-dependencies):
//! [`ClosedSet::check`] names all differences. A TypeScript union:
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
//! A GraphQL enum, whose values are in capitals:
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
//! A second database, where the order matters:
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
//! **Your own tables and documents** can be made from [`SETS`]: each value has its label, its variant, the versions in which
//! it came, was deprecated and went, and what it means. Tools in other languages get it as JSON:
//!
//! ```
//! let json = serde_json::to_value(mailglass::contract::SETS)?;
//! assert_eq!(json[0]["values"][0]["label"], "transactional");
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! # A live database
//!
//! [`verify`] compares the database behind a connection with what this build expects: for a health check at start.

mod assert;
#[doc(hidden)]
pub mod builtins;
mod catalog;
mod did_you_mean;
mod mirror;
mod verify;

#[doc(hidden)]
pub use assert::{Message, first_difference};
pub use mirror::{LabelDifference, Mismatch};
pub use verify::{Difference, ObjectKind, verify};

/// The tables of this crate.
pub(crate) fn tables() -> impl Iterator<Item = &'static str> {
    let is_table = |object: &&(ObjectKind, &str, &str)| object.0 == ObjectKind::Table;
    catalog::CATALOG.iter().filter(is_table).map(|object| object.1)
}

/// `api_stability.md`, as this version of the crate has it: Markdown.
pub const MANIFEST: &str = include_str!("../api_stability.md");

/// The closed sets, in the manifest's order.
///
/// ```
/// for set in mailglass::contract::SETS {
///     println!("{} ({})", set.rust, set.name);
///     for value in set.values {
///         println!("  {:14} since {}: {}", value.label, value.since, value.meaning);
///     }
/// }
/// ```
pub const SETS: &[ClosedSet] = include!(concat!(env!("OUT_DIR"), "/sets.rs"));

/// The names in the database that queries, dashboards and error handlers may rely on, in the manifest's order.
pub const NAMES: &[PromisedName] = include!(concat!(env!("OUT_DIR"), "/names.rs"));

/// A name that the manifest promises. Versions are those of this crate, such as `0.1.0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct PromisedName {
    /// `table`, `index`, `trigger`, `function` or `sqlstate`.
    pub kind: &'static str,
    /// As Postgres has it.
    pub name: &'static str,
    /// The version that brought it.
    pub since: &'static str,
    /// The version that removed it.
    pub removed: Option<&'static str>,
    /// What it is for; may hold Markdown.
    pub meaning: &'static str,
}

/// A closed set: a Postgres enum type and its Rust enum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct ClosedSet {
    /// The Postgres type, such as `mailglass_event_type`.
    pub name: &'static str,
    /// The Rust enum, such as `EventType`.
    pub rust: &'static str,
    /// The values in the type's order, and among them those that were removed.
    pub values: &'static [Value],
}

/// A value of a closed set. Versions are those of this crate, such as `0.1.0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Value {
    /// As Postgres and JSON have it.
    pub label: &'static str,
    /// As Rust has it.
    pub variant: &'static str,
    /// The version that brought it.
    pub since: &'static str,
    /// The version that deprecated it. It can still be stored and read.
    pub deprecated: Option<&'static str>,
    /// The version that removed it. Its label is never used again.
    pub removed: Option<&'static str>,
    /// What it means; may hold Markdown.
    pub meaning: &'static str,
}

impl ClosedSet {
    /// The values that are there, in the order of the Postgres type: those that were not removed.
    pub fn live(&self) -> impl Iterator<Item = &'static Value> + use<> {
        self.values.iter().filter(|value| value.removed.is_none())
    }

    /// The labels that are there, in the order of the Postgres type.
    pub fn labels(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.live().map(|value| value.label)
    }
}
