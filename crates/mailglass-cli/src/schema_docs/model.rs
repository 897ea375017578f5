//! What the docs say about a schema: the catalogs' words, joined with what only the crate knows. `schema.json` is this
//! model as it stands, and its JSON Schema is made from these types and their comments.

mod behaviour;
mod column;
mod constraint;
mod index;
mod name;
mod reference;
mod relation;
mod trigger;
mod types;

use schemars::JsonSchema;
use serde::Serialize;

pub(crate) use behaviour::{Behaviour, OrphanLife, OrphanState, Projection, Rule, Transition};
pub(crate) use column::{Changes, Column, ColumnFacts, Identity, PersonalData, Writer};
pub(crate) use constraint::ConstraintKind;
pub(crate) use index::Index;
pub(crate) use name::{Name, identifier};
pub(crate) use reference::Reference;
pub(crate) use relation::{Relation, RelationKind, RustTable};
pub(crate) use trigger::{Enabled, RustError, Trigger};
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

impl Docs {
    /// Every column, with its table or view.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (&Relation, &Column)> {
        let relations = self.relations.iter();
        relations.flat_map(|relation| relation.columns.iter().map(move |column| (relation, column)))
    }

    /// The columns that are of an enum or domain, or of arrays of it.
    pub(crate) fn columns_of<'a>(&'a self, type_name: &'a Name) -> impl Iterator<Item = (&'a Relation, &'a Column)> {
        self.columns()
            .filter(move |(_, column)| column.type_name.as_ref() == Some(type_name))
    }

    pub(crate) fn relation(&self, name: &Name) -> Option<&Relation> {
        self.relations.iter().find(|relation| relation.name == *name)
    }

    pub(crate) fn enum_type(&self, name: &Name) -> Option<&Enum> {
        self.enums.iter().find(|enum_type| enum_type.name == *name)
    }
}
