//! The promises of `api_stability.md` as data.

/// The text of `api_stability.md` in this version of the crate, in Markdown.
pub const MANIFEST: &str = include_str!("../../api_stability.md");

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

/// The names in the database that queries, dashboards and error handlers may use, in the manifest's order.
pub const NAMES: &[PromisedName] = include!(concat!(env!("OUT_DIR"), "/names.rs"));

/// A promised name. Versions are those of this crate, such as `0.1.0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct PromisedName {
    /// `table`, `index`, `trigger`, `function` or `sqlstate`.
    pub kind: &'static str,
    /// The name in PostgreSQL.
    pub name: &'static str,
    /// The version that added it.
    pub since: &'static str,
    /// The version that removed it.
    pub removed: Option<&'static str>,
    /// Its purpose, in Markdown.
    pub meaning: &'static str,
}

/// A closed set: a PostgreSQL enum type and its Rust enum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct ClosedSet {
    /// The PostgreSQL type, such as `mailglass_event_type`.
    pub name: &'static str,
    /// The Rust enum, such as `EventType`.
    pub rust: &'static str,
    /// The values in the type's order, with the removed ones.
    pub values: &'static [Value],
}

/// A value of a closed set. Versions are those of this crate, such as `0.1.0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Value {
    /// The label in PostgreSQL and JSON.
    pub label: &'static str,
    /// The variant in Rust.
    pub variant: &'static str,
    /// The version that added it.
    pub since: &'static str,
    /// The version that deprecated it. A deprecated value can still be written and read.
    pub deprecated: Option<&'static str>,
    /// The version that removed it. Its label is never used again.
    pub removed: Option<&'static str>,
    /// Its meaning, in Markdown.
    pub meaning: &'static str,
}

impl ClosedSet {
    /// The values that were not removed, in the order of the PostgreSQL type.
    pub fn live(&self) -> impl Iterator<Item = &'static Value> + use<> {
        self.values.iter().filter(|value| value.removed.is_none())
    }

    /// The labels that were not removed, in the order of the PostgreSQL type.
    pub fn labels(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.live().map(|value| value.label)
    }
}
