//! The model of a documented schema: the catalogs, joined with the facts that only the crate knows. `schema.json` is its
//! serialization, and the JSON Schema is generated from these types and their comments.

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

/// The version of the format of `schema.json`. It increases with changes that break readers.
pub(crate) const FORMAT_VERSION: u32 = 1;

/// A documented schema.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Docs {
    /// Increases if a field is removed or changes its meaning. A new field does not increase it.
    pub(crate) format_version: u32,
    pub(crate) title: String,
    /// The program that generated the docs.
    pub(crate) generator: Generator,
    /// An introduction, as Markdown. Present only if the docs contain mailglass's own tables.
    pub(crate) overview: Option<Overview>,
    /// The tables and views, sorted by name.
    pub(crate) relations: Vec<Relation>,
    /// The enum types of columns, sorted by name.
    pub(crate) enums: Vec<Enum>,
    /// The domains of columns, sorted by name.
    pub(crate) domains: Vec<Domain>,
    /// The functions that triggers, defaults, constraints and indexes call, sorted by name.
    pub(crate) functions: Vec<Function>,
    /// The behaviour of mailglass. Present only if the docs contain mailglass's own tables.
    pub(crate) behaviour: Option<Behaviour>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Generator {
    pub(crate) name: String,
    pub(crate) version: String,
}

/// An introduction to mailglass, as Markdown.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Overview {
    pub(crate) introduction: String,
    pub(crate) guarantees: String,
}

impl Docs {
    /// All columns, each with its table or view.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (&Relation, &Column)> {
        let relations = self.relations.iter();
        relations.flat_map(|relation| relation.columns.iter().map(move |column| (relation, column)))
    }

    /// The columns of an enum or domain, or of arrays of it.
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
