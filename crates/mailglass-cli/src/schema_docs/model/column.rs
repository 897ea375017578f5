//! A column, and what only the crate knows about it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::name::Name;

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// As Postgres writes it.
    #[serde(rename = "type")]
    pub(crate) sql_type: String,
    /// The enum or domain behind `type`, where it is one (or an array of one).
    pub(crate) type_name: Option<Name>,
    pub(crate) nullable: bool,
    pub(crate) default: Option<String>,
    /// The expression of a generated column.
    pub(crate) generated: Option<String>,
    pub(crate) identity: Option<Identity>,
    pub(crate) comment: Option<String>,
    /// What only the crate knows about the column.
    #[serde(default)]
    pub(crate) known: Option<ColumnFacts>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Identity {
    Always,
    ByDefault,
}

/// What only the crate knows about a column.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ColumnFacts {
    /// The model's field, such as `Delivery::recipient`.
    pub(crate) field: Option<String>,
    /// The field's type, such as `Option<String>`.
    pub(crate) rust_type: Option<String>,
    /// The type in Diesel's terms, such as `Nullable<Text>`.
    pub(crate) diesel_type: String,
    pub(crate) written_by: Writer,
    pub(crate) changes: Changes,
    pub(crate) personal_data: PersonalData,
}

/// Who decides what a column says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Writer {
    /// The application says it.
    Application,
    /// The crate derives it or keeps count.
    Mailglass,
    /// The projection makes it from the delivery's events.
    Projection,
    /// The reconciler.
    Reconciler,
    /// A default, by the server's clock.
    Database,
}

/// Whether a column may change once its row is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Changes {
    /// Never; in the ledger, a trigger sees to it.
    Never,
    /// From NULL to a value, and no further.
    Once,
    /// When an event of the delivery is projected.
    WithEvents,
    /// When the application changes the delivery.
    OnUpdate,
    /// With every change of the row.
    Always,
    /// With every sweep that looks at the row.
    OnSweep,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PersonalData {
    No,
    /// It is the application's or the provider's to fill, so it may hold some.
    MayHold,
    Yes,
}
