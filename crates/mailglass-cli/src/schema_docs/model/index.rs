//! A table's index.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
