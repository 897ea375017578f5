//! The kinds of objects that the health check compares.

/// The kind of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ObjectKind {
    /// The PostgreSQL type of a closed set as a whole, or a type that hides one of `pg_catalog`.
    Type,
    /// A label of a closed set: `mailglass_event_type.queued`.
    Label,
    /// A table.
    Table,
    /// A column: `mailglass_events.occurred_at`.
    Column,
    /// A constraint other than NOT NULL, with its index.
    Constraint,
    /// An index that does not belong to a constraint.
    Index,
    /// A trigger.
    Trigger,
    /// A rule (CREATE RULE). The migrations create none.
    Rule,
    /// A trigger function of the migrations, or a function that `search_path` can find instead of one of `pg_catalog`.
    Function,
    /// Inheritance or partitioning between one of the crate's tables and another table.
    Inheritance,
    /// A cast (CREATE CAST) from or to the PostgreSQL type of a closed set.
    Cast,
    /// An operator that `search_path` can find instead of one of `pg_catalog`.
    Operator,
    /// A policy of row-level security: `mailglass_events.mailglass_tenant`.
    Policy,
    /// A setting of the session.
    Setting,
}

impl ObjectKind {
    /// The kind by its name in `catalog.sql` and `interfering_objects.sql` (`src/sql/contract`).
    pub(super) fn of_name(name: &str) -> ObjectKind {
        match name {
            "table" => ObjectKind::Table,
            "column" => ObjectKind::Column,
            "constraint" => ObjectKind::Constraint,
            "index" => ObjectKind::Index,
            "trigger" => ObjectKind::Trigger,
            "function" => ObjectKind::Function,
            "inheritance" => ObjectKind::Inheritance,
            "cast" => ObjectKind::Cast,
            "operator" => ObjectKind::Operator,
            "type" => ObjectKind::Type,
            _ => ObjectKind::Rule,
        }
    }
}
