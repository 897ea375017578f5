//! The statements that make the new ledger like the old one.

use std::sync::LazyLock;

use chrono::{DateTime, SecondsFormat, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Integer, Oid, Text};

use super::ledger::Ledger;
use crate::error::Result;
use crate::sql::{sql, with_parameters};

static STRUCTURE: LazyLock<String> =
    LazyLock::new(|| with_parameters(&["ledger", "kept", "until"], &[], sql!("retention/structure")));

/// The statements, each list in the order of execution.
#[derive(PartialEq, Eq)]
pub(super) struct Structure {
    /// Describe the columns, which LIKE copies.
    pub(super) columns: Vec<String>,
    /// Create the new ledger.
    pub(super) creating: Vec<String>,
    /// Build its indexes after the copy.
    pub(super) building: Vec<String>,
    /// Swap the two.
    pub(super) swapping: Vec<String>,
}

#[derive(QueryableByName)]
struct Statement {
    #[diesel(sql_type = Integer)]
    phase: i32,
    #[diesel(sql_type = Text)]
    statement: String,
}

impl Structure {
    /// Reads the definition of the ledger. The settings of a step must be applied.
    pub(super) fn read(
        conn: &mut PgConnection,
        ledger: &Ledger,
        kept_as: &str,
        before: DateTime<Utc>,
    ) -> Result<Structure> {
        let statements: Vec<Statement> = sql_query(STRUCTURE.as_str())
            .bind::<Oid, _>(ledger.oid)
            .bind::<Text, _>(kept_as)
            .bind::<Text, _>(before.to_rfc3339_opts(SecondsFormat::AutoSi, true))
            .load(conn)?;
        let mut structure = Structure {
            columns: Vec::new(),
            creating: Vec::new(),
            building: Vec::new(),
            swapping: Vec::new(),
        };
        for Statement { phase, statement } in statements {
            match phase {
                0 => structure.columns.push(statement),
                1 => structure.creating.push(statement),
                2 => structure.building.push(statement),
                _ => structure.swapping.push(statement),
            }
        }
        // Without statistics, the first plans on the new ledger would be bad ones.
        structure.building.push("ANALYZE mailglass_events_next".to_owned());
        Ok(structure)
    }
}
