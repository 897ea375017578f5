//! A column, and the facts about it that only the crate knows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::name::Name;

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// The type, as Postgres writes it.
    #[serde(rename = "type")]
    pub(crate) sql_type: String,
    /// The enum or domain, if the type is one or an array of one.
    pub(crate) type_name: Option<Name>,
    pub(crate) nullable: bool,
    pub(crate) default: Option<String>,
    /// The expression of a generated column.
    pub(crate) generated: Option<String>,
    pub(crate) identity: Option<Identity>,
    pub(crate) comment: Option<String>,
    /// Present only for mailglass's own columns.
    #[serde(default)]
    pub(crate) known: Option<ColumnFacts>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Identity {
    Always,
    ByDefault,
}

/// The facts about a column that only the crate knows.
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

/// The writer of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Writer {
    /// The application provides the value.
    Application,
    /// The crate computes the value.
    Mailglass,
    /// The projection computes the value from the events of the delivery.
    Projection,
    /// The reconciler sets the value.
    Reconciler,
    /// The value is a default from the clock of the server.
    Database,
}

/// When a column can change after the insert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Changes {
    /// Never. In the ledger, triggers enforce it.
    Never,
    /// Once, from NULL to a value.
    Once,
    /// When an event of the delivery is projected.
    WithEvents,
    /// When the application changes the delivery.
    OnUpdate,
    /// With every change of the row.
    Always,
    /// With every sweep that checks the row.
    OnSweep,
    /// When the recipient is erased.
    OnErasure,
    /// When the delivery is claimed, and when an attempt to send it begins or ends.
    OnAttempt,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PersonalData {
    No,
    /// The application or the provider fills the column, so it may hold personal data.
    MayHold,
    Yes,
}
