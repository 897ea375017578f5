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
    /// Columns that are included but not searchable (INCLUDE).
    pub(crate) include: Vec<String>,
    /// The condition of a partial index.
    pub(crate) predicate: Option<String>,
    /// Whether the index belongs to a constraint of the same name.
    pub(crate) keeps_constraint: bool,
    /// The definition from the access method on, as Postgres writes it.
    pub(crate) definition: String,
    /// False if a concurrent build failed.
    pub(crate) valid: bool,
    pub(crate) comment: Option<String>,
    /// The purpose: the meaning in the manifest for mailglass's own indexes, otherwise the comment.
    #[serde(default)]
    pub(crate) purpose: Option<String>,
    /// For a unique index: the Diesel code that makes it the conflict target of an insert.
    #[serde(default)]
    pub(crate) diesel_on_conflict: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct IndexKey {
    /// The column or expression, as Postgres writes it.
    pub(crate) expression: String,
    /// The name of the column. Absent for an expression.
    pub(crate) column: Option<String>,
    pub(crate) descending: bool,
    pub(crate) nulls_first: bool,
}
