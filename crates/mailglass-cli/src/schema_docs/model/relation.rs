//! A table or view.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::column::Column;
use super::constraint::{Constraint, ConstraintKind};
use super::index::Index;
use super::name::Name;
use super::reference::Reference;
use super::trigger::Trigger;

/// A table or a view.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Relation {
    #[serde(flatten)]
    pub(crate) name: Name,
    pub(crate) kind: RelationKind,
    pub(crate) comment: Option<String>,
    /// In the order of the table.
    pub(crate) columns: Vec<Column>,
    /// Sorted by kind (primary key, unique, foreign key, check, exclusion), then by name. NOT NULL is part of its column.
    pub(crate) constraints: Vec<Constraint>,
    /// Sorted by name, including the indexes of constraints.
    pub(crate) indexes: Vec<Index>,
    /// Sorted by name.
    pub(crate) triggers: Vec<Trigger>,
    /// Foreign keys and logical references.
    #[serde(default)]
    pub(crate) references: Vec<Reference>,
    /// Storage parameters, such as `fillfactor=70`.
    pub(crate) options: Vec<String>,
    pub(crate) row_security: bool,
    /// The partition key of a partitioned table, such as `RANGE (created_at)`.
    pub(crate) partition_key: Option<String>,
    /// The partitions of a partitioned table, sorted by name. They are not separate relations.
    pub(crate) partitions: Vec<Partition>,
    /// The query of a view.
    pub(crate) definition: Option<String>,
    /// The Rust API for this table. Present only for mailglass's own tables.
    #[serde(default)]
    pub(crate) rust: Option<RustTable>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RelationKind {
    Table,
    PartitionedTable,
    ForeignTable,
    View,
    MaterializedView,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct RustTable {
    /// The table in the Diesel schema.
    pub(crate) table: String,
    /// The struct for its rows.
    pub(crate) model: Option<String>,
    /// The functions that insert rows.
    pub(crate) made_by: String,
    /// The functions that change rows. Absent if rows never change.
    pub(crate) changed_by: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Partition {
    pub(crate) name: String,
    /// The bound, such as `FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')`.
    pub(crate) bound: String,
}

impl Relation {
    /// Whether a unique index covers exactly this column.
    pub(crate) fn is_unique(&self, column: &str) -> bool {
        let is_it = |index: &Index| index.keys.len() == 1 && index.keys[0].column.as_deref() == Some(column);
        self.indexes
            .iter()
            .any(|index| index.unique && index.predicate.is_none() && is_it(index))
    }

    pub(crate) fn primary_key(&self) -> Option<&Constraint> {
        let mut constraints = self.constraints.iter();
        constraints.find(|constraint| constraint.kind == ConstraintKind::PrimaryKey)
    }

    pub(crate) fn is_in_primary_key(&self, column: &str) -> bool {
        let key = self.primary_key();
        key.is_some_and(|key| key.columns.iter().any(|member| member == column))
    }

    /// Whether the relation is a view or a materialized view.
    pub(crate) fn is_view(&self) -> bool {
        matches!(self.kind, RelationKind::View | RelationKind::MaterializedView)
    }
}
