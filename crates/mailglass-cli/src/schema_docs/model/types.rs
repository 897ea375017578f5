//! Enums, domains and functions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::name::Name;

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Enum {
    #[serde(flatten)]
    pub(crate) name: Name,
    pub(crate) comment: Option<String>,
    /// In the order of the type.
    pub(crate) labels: Vec<Label>,
    /// The Rust enum.
    #[serde(default)]
    pub(crate) rust: Option<String>,
    /// Removed labels. They are never reused.
    #[serde(default)]
    pub(crate) removed: Vec<Label>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Label {
    pub(crate) label: String,
    /// The meaning: Markdown from the manifest, otherwise the line `label: …` of the type's comment.
    #[serde(default)]
    pub(crate) meaning: Option<String>,
    /// The Rust variant.
    #[serde(default)]
    pub(crate) variant: Option<String>,
    /// The version of the crate that added the label.
    #[serde(default)]
    pub(crate) since: Option<String>,
    #[serde(default)]
    pub(crate) deprecated: Option<String>,
    #[serde(default)]
    pub(crate) removed: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Domain {
    #[serde(flatten)]
    pub(crate) name: Name,
    pub(crate) base: String,
    pub(crate) not_null: bool,
    pub(crate) default: Option<String>,
    /// The CHECK constraints, as Postgres writes them.
    pub(crate) checks: Vec<String>,
    pub(crate) comment: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Function {
    #[serde(flatten)]
    pub(crate) name: Name,
    pub(crate) arguments: String,
    pub(crate) returns: String,
    pub(crate) language: String,
    pub(crate) security_definer: bool,
    /// Settings of the function, such as `search_path=pg_catalog, pg_temp`.
    pub(crate) settings: Vec<String>,
    pub(crate) source: String,
    pub(crate) comment: Option<String>,
}
