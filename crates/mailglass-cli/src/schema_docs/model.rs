//! What the docs say about a schema: the catalogs' words, joined with what only the crate knows. `schema.json` is this
//! model as it stands, and its JSON Schema is made from these types and their comments.

mod behaviour;
mod column;
mod parts;
mod relation;
mod types;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use behaviour::{Behaviour, OrphanLife, OrphanState, Projection, Rule, Transition};
pub(crate) use column::{Changes, Column, Identity, KnownColumn, PersonalData, Writer};
pub(crate) use parts::{Constraint, ConstraintKind, Enabled, Index, Reference, RustError, Trigger};
pub(crate) use relation::{Relation, RelationKind, RustTable};
pub(crate) use types::{Domain, Enum, Function, Label};

/// Raised when a reader of `schema.json` would have to change.
pub(crate) const FORMAT_VERSION: u32 = 1;

/// A documented schema.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Docs {
    /// Raised when a field changes its meaning or goes. A new field is no new version.
    pub(crate) format_version: u32,
    pub(crate) title: String,
    /// The crate that wrote it, and its version.
    pub(crate) generator: Generator,
    /// What the whole is for, as Markdown; only where mailglass's own tables are in it.
    pub(crate) overview: Option<Overview>,
    /// Tables and views, by name.
    pub(crate) relations: Vec<Relation>,
    /// The enum types that columns are of, by name.
    pub(crate) enums: Vec<Enum>,
    /// The domains that columns are of, by name.
    pub(crate) domains: Vec<Domain>,
    /// The functions that triggers, defaults, constraints and indexes call, by name.
    pub(crate) functions: Vec<Function>,
    /// How events move deliveries and what becomes of orphans; only where mailglass's own tables are in it.
    pub(crate) behaviour: Option<Behaviour>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Generator {
    pub(crate) name: String,
    pub(crate) version: String,
}

/// Parts of the crate's README, as Markdown.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Overview {
    pub(crate) introduction: String,
    pub(crate) guarantees: String,
}

/// The name of something in a database.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Name {
    /// Absent for what `search_path` finds without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) schema: Option<String>,
    pub(crate) name: String,
}
