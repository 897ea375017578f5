//! A table's trigger.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::name::Name;

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Trigger {
    pub(crate) name: String,
    /// BEFORE, AFTER or INSTEAD OF.
    pub(crate) timing: String,
    /// Of INSERT, UPDATE, DELETE and TRUNCATE.
    pub(crate) events: Vec<String>,
    /// ROW or STATEMENT.
    pub(crate) level: String,
    pub(crate) enabled: Enabled,
    pub(crate) function: Name,
    /// In Postgres' words.
    pub(crate) definition: String,
    pub(crate) comment: Option<String>,
    /// What a Rust caller gets from it.
    #[serde(default)]
    pub(crate) rust_error: Option<RustError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Enabled {
    /// Awake, but not where `session_replication_role` is `replica`.
    Origin,
    /// Awake whatever `session_replication_role` says.
    Always,
    /// Awake only where `session_replication_role` is `replica`.
    Replica,
    Disabled,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct RustError {
    pub(crate) sqlstate: String,
    /// The patterns that match it, one for each operation.
    pub(crate) patterns: Vec<String>,
    /// What tells it apart from other errors.
    pub(crate) predicate: String,
    /// What it says to people.
    pub(crate) message: String,
}
