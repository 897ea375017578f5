//! A reference from one table to another.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::constraint::{Constraint, ConstraintKind};
use super::name::Name;

/// A foreign key, or a logical reference, which only the code maintains.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Reference {
    /// The name of the foreign key. Absent for a logical reference.
    pub(crate) constraint: Option<String>,
    pub(crate) columns: Vec<String>,
    pub(crate) to: Name,
    pub(crate) to_columns: Vec<String>,
    /// Whether at most one row refers to the same row.
    pub(crate) unique: bool,
    /// Whether the reference can be NULL.
    pub(crate) optional: bool,
    /// NO ACTION, RESTRICT, CASCADE, SET NULL or SET DEFAULT. Absent for a logical reference.
    pub(crate) on_delete: Option<String>,
    pub(crate) on_update: Option<String>,
    /// The reason why a logical reference has no foreign key.
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
