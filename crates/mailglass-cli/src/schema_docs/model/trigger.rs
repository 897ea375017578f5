//! A table's trigger.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::name::Name;

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Trigger {
    pub(crate) name: String,
    /// BEFORE, AFTER or INSTEAD OF.
    pub(crate) timing: String,
    /// INSERT, UPDATE, DELETE or TRUNCATE.
    pub(crate) events: Vec<String>,
    /// ROW or STATEMENT.
    pub(crate) level: String,
    pub(crate) enabled: Enabled,
    pub(crate) function: Name,
    /// The definition, as Postgres writes it.
    pub(crate) definition: String,
    pub(crate) comment: Option<String>,
    /// The Rust error that the trigger causes.
    #[serde(default)]
    pub(crate) rust_error: Option<RustError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Enabled {
    /// Fires unless `session_replication_role` is `replica`.
    Origin,
    /// Fires regardless of `session_replication_role`.
    Always,
    /// Fires only if `session_replication_role` is `replica`.
    Replica,
    Disabled,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct RustError {
    pub(crate) sqlstate: String,
    /// The patterns that match the error, one per operation.
    pub(crate) patterns: Vec<String>,
    /// The predicate that recognizes the error.
    pub(crate) predicate: String,
    /// The message of the error.
    pub(crate) message: String,
}
