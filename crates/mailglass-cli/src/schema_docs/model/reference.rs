//! A reference from one table to another.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::constraint::{Constraint, ConstraintKind};
use super::name::Name;

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

    /// Whether this constraint is the reference's foreign key.
    pub(crate) fn is_held_by(&self, constraint: &Constraint) -> bool {
        constraint.kind == ConstraintKind::ForeignKey && self.constraint.as_ref() == Some(&constraint.name)
    }
}
