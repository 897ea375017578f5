//! Compares each delivery with its events.

use mailglass::projection::{self, Divergence};
use serde::Serialize;
use uuid::Uuid;

use super::check::{Check, Outcome};
use crate::connection::Connection;
use crate::failure::Failure;
use crate::output::{Cell, count, or_empty};
use crate::tenants::tenants;

/// A delivery that differs from its events.
#[derive(Serialize)]
pub(super) struct Diverged {
    tenant: String,
    delivery_id: Uuid,
    columns: Vec<Column>,
}

#[derive(Serialize)]
struct Column {
    column: &'static str,
    found: Option<String>,
    expected: Option<String>,
}

impl Diverged {
    fn new(tenant: &str, divergence: &Divergence) -> Self {
        let columns = divergence.columns().into_iter().map(|column| Column {
            column: column.column,
            found: column.found,
            expected: column.expected,
        });
        Diverged {
            tenant: tenant.to_owned(),
            delivery_id: divergence.delivery_id,
            columns: columns.collect(),
        }
    }

    pub(super) fn rows(&self) -> Vec<[Cell; 5]> {
        let row = |column: &Column| {
            [
                self.tenant.as_str().into(),
                self.delivery_id.into(),
                column.column.into(),
                or_empty(&column.found),
                or_empty(&column.expected),
            ]
        };
        self.columns.iter().map(row).collect()
    }
}

pub(super) fn compare(
    connection: &mut Connection,
    tenant: Option<&str>,
    diverged: &mut Vec<Diverged>,
) -> Result<Check, Failure> {
    let tenants = tenants(connection, tenant)?;
    let deliveries = tenants
        .iter()
        .map(|tenant| tenant.deliveries.unsigned_abs() as usize)
        .sum();
    for tenant in &tenants {
        let found = connection.run(|conn| projection::verify(conn, &tenant.tenant))?;
        diverged.extend(found.iter().map(|divergence| Diverged::new(&tenant.tenant, divergence)));
    }
    Ok(Check {
        check: "projection",
        outcome: if diverged.is_empty() {
            Outcome::Passed
        } else {
            Outcome::Failed
        },
        detail: match diverged.len() {
            0 => format!(
                "{} with their events",
                count(deliveries, "delivery agrees", "deliveries agree")
            ),
            different => format!(
                "{different} of {} from their events; run `mailglass rebuild`",
                count(deliveries, "delivery differs", "deliveries differ")
            ),
        },
    })
}
