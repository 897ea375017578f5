//! What belongs to a table: constraints, indexes, triggers, references.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Name;

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Constraint {
    pub(crate) name: String,
    pub(crate) kind: ConstraintKind,
    pub(crate) columns: Vec<String>,
    /// In Postgres' words.
    pub(crate) definition: String,
    pub(crate) comment: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ConstraintKind {
    PrimaryKey,
    Unique,
    ForeignKey,
    Check,
    Exclusion,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Index {
    pub(crate) name: String,
    pub(crate) unique: bool,
    /// Whether NULLs count as equal in a unique index (NULLS NOT DISTINCT).
    pub(crate) nulls_not_distinct: bool,
    /// The access method, such as `btree`.
    pub(crate) method: String,
    pub(crate) keys: Vec<IndexKey>,
    /// Columns that are only carried along (INCLUDE).
    pub(crate) include: Vec<String>,
    /// Which rows a partial index holds.
    pub(crate) predicate: Option<String>,
    /// Whether a constraint of the same name keeps it.
    pub(crate) keeps_constraint: bool,
    /// In Postgres' words, from the access method on.
    pub(crate) definition: String,
    /// False where a concurrent build failed.
    pub(crate) valid: bool,
    pub(crate) comment: Option<String>,
    /// What it is for: the manifest's words for mailglass's own, else the comment.
    #[serde(default)]
    pub(crate) purpose: Option<String>,
    /// For a unique index: the lines that name it as the conflict target of a Diesel insert.
    #[serde(default)]
    pub(crate) diesel_on_conflict: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct IndexKey {
    /// The column, as Postgres writes it, or an expression.
    pub(crate) expression: String,
    /// The column's plain name; absent for an expression.
    pub(crate) column: Option<String>,
    pub(crate) descending: bool,
    pub(crate) nulls_first: bool,
}

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

/// A foreign key, or a reference that only the code knows.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Reference {
    /// The foreign key's name; absent for a logical reference.
    pub(crate) constraint: Option<String>,
    pub(crate) columns: Vec<String>,
    pub(crate) to: Name,
    pub(crate) to_columns: Vec<String>,
    /// Whether at most one row refers to the same row.
    pub(crate) unique: bool,
    /// Whether a row may refer to nothing.
    pub(crate) optional: bool,
    /// NO ACTION, RESTRICT, CASCADE, SET NULL or SET DEFAULT; absent for a logical reference.
    pub(crate) on_delete: Option<String>,
    pub(crate) on_update: Option<String>,
    /// Why a logical reference has no foreign key.
    pub(crate) note: Option<String>,
}

impl Reference {
    pub(crate) fn is_logical(&self) -> bool {
        self.constraint.is_none()
    }
}
