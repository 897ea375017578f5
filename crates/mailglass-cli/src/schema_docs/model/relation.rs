//! A table or view, and what of it is not a part with a name of its own.

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
    /// In the table's order.
    pub(crate) columns: Vec<Column>,
    /// By kind (primary key, unique, foreign key, check, exclusion), then by name. NOT NULL stands with its column.
    pub(crate) constraints: Vec<Constraint>,
    /// By name, those that constraints keep included.
    pub(crate) indexes: Vec<Index>,
    /// By name.
    pub(crate) triggers: Vec<Trigger>,
    /// What the columns refer to: foreign keys and references that only the code knows.
    #[serde(default)]
    pub(crate) references: Vec<Reference>,
    /// Storage parameters, such as `fillfactor=70`.
    pub(crate) options: Vec<String>,
    pub(crate) row_security: bool,
    /// How a partitioned table is partitioned, such as `RANGE (created_at)`.
    pub(crate) partition_key: Option<String>,
    /// A partitioned table's partitions, by name; they are no relations of their own here.
    pub(crate) partitions: Vec<Partition>,
    /// A view's query.
    pub(crate) definition: Option<String>,
    /// What the crate has for the rows of this table.
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
    /// Diesel's table.
    pub(crate) table: String,
    /// The struct that rows are read as.
    pub(crate) model: Option<String>,
    /// What makes rows.
    pub(crate) made_by: String,
    /// What changes rows; absent where nothing does.
    pub(crate) changed_by: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Partition {
    pub(crate) name: String,
    /// Which rows it holds, such as `FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')`.
    pub(crate) bound: String,
}

impl Relation {
    /// Whether no two rows have the same value in this column.
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

    /// Whether it is a table of rows that may be referred to, and not a query.
    pub(crate) fn is_view(&self) -> bool {
        matches!(self.kind, RelationKind::View | RelationKind::MaterializedView)
    }
}
