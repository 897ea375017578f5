//! `mailglass rebuild`.

use std::ops::ControlFlow;
use std::process::ExitCode;

use clap::Args;
use diesel::Connection as _;
use diesel::prelude::*;
use indicatif::{ProgressBar, ProgressStyle};
use mailglass::projection::{self, Projection};
use mailglass::schema::mailglass_deliveries;
use mailglass::{Delivery, Error};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::connection::{Connection, DatabaseOptions};
use crate::failure::{Failure, Kind};
use crate::interrupt;
use crate::output::{Cell, Output, Tone, count};
use crate::tenants::{Tenant, tenants};

const LONG: &str = "\
Rebuild the projections from the ledger and report how many were wrong. A projection is wrong only if somebody changed the \
tables by hand, or if events were appended without projecting.

Works in steps of up to 1,000 deliveries. Each step is a transaction, so recording continues meanwhile. Ctrl-C stops after the \
current step and keeps the finished ones; the command can be repeated safely. On a terminal, a bar shows the progress.";

const AFTER: &str = "\
Examples:
  mailglass rebuild
  mailglass rebuild --tenant acme
  mailglass rebuild --delivery 0193f0a2-7c4e-7d1a-9c39-0a1b2c3d4e5f";

/// Rebuild the projections from the ledger.
#[derive(Args)]
#[command(long_about = LONG, after_help = AFTER)]
pub(crate) struct Rebuild {
    /// Rebuild only this tenant's deliveries.
    #[arg(long)]
    tenant: Option<String>,

    /// Rebuild only this delivery.
    #[arg(long, value_name = "ID")]
    delivery: Option<Uuid>,
}

#[derive(Serialize)]
struct RebuildProgress {
    tenant: String,
    deliveries: usize,
    corrected: usize,
}

impl Rebuild {
    pub(crate) fn run(self, database: &DatabaseOptions, output: &mut Output) -> Result<ExitCode, Failure> {
        let mut connection = database.connect_to_this_release()?;
        let rebuilt = match self.delivery {
            Some(id) => {
                let tenant = self.tenant.as_deref();
                vec![connection.run(|conn| one(conn, tenant, id))?]
            }
            None => all(&mut connection, self.tenant.as_deref())?,
        };
        show(&rebuilt, output)?;
        if interrupt::is_requested() {
            return Err(Failure::new(Kind::Interrupted, "interrupted between two steps")
                .hint("finished steps are kept; run the command again to rebuild the rest"));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Locks the row, so that a difference can only come from the rebuild.
fn one(conn: &mut PgConnection, tenant: Option<&str>, id: Uuid) -> mailglass::Result<RebuildProgress> {
    conn.transaction(|conn| {
        let before = mailglass_deliveries::table
            .find(id)
            .select(Delivery::as_select())
            .for_no_key_update()
            .first(conn)
            .optional()?
            .filter(|delivery| tenant.is_none_or(|tenant| delivery.tenant_id == tenant))
            .ok_or(Error::NotFound { record: "delivery", id })?;
        let after = projection::rebuild(conn, &before.tenant_id, id)?;
        Ok(RebuildProgress {
            corrected: usize::from(Projection::from(&before) != Projection::from(&after)),
            tenant: before.tenant_id,
            deliveries: 1,
        })
    })
}

fn all(connection: &mut Connection, tenant: Option<&str>) -> Result<Vec<RebuildProgress>, Failure> {
    let tenants = tenants(connection, tenant)?;
    interrupt::work_in_steps();
    let total: i64 = tenants.iter().map(|tenant| tenant.deliveries).sum();
    let bar = progress(total.unsigned_abs());
    let mut done = Vec::new();
    let (mut deliveries, mut wrong) = (0, 0);
    for Tenant { tenant, .. } in tenants {
        let rebuilt = connection.run(|conn| {
            projection::rebuild_in_steps(conn, &tenant, |so_far| {
                bar.set_position((deliveries + so_far.deliveries) as u64);
                bar.set_message(format!("{} corrected", wrong + so_far.corrected));
                if interrupt::is_requested() {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })
        })?;
        deliveries += rebuilt.deliveries;
        wrong += rebuilt.corrected;
        done.push(RebuildProgress {
            tenant,
            deliveries: rebuilt.deliveries,
            corrected: rebuilt.corrected,
        });
        if interrupt::is_requested() {
            break;
        }
    }
    bar.finish_and_clear();
    Ok(done)
}

/// A progress bar on standard error. It is hidden if that is no terminal.
fn progress(total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} deliveries, {msg} ({elapsed}, {eta} left)") {
        bar.set_style(style);
    }
    bar.set_message("0 corrected");
    bar
}

fn show(rebuilt: &[RebuildProgress], output: &mut Output) -> Result<(), Failure> {
    let deliveries: usize = rebuilt.iter().map(|tenant| tenant.deliveries).sum();
    let corrected: usize = rebuilt.iter().map(|tenant| tenant.corrected).sum();
    if output.is_json() {
        let is_complete = !interrupt::is_requested();
        return output.document(&json!({
            "deliveries": deliveries,
            "corrected": corrected,
            "is_complete": is_complete,
            "tenants": rebuilt,
        }));
    }
    let row = |tenant: &RebuildProgress| {
        let tone = if tenant.corrected == 0 {
            Tone::Good
        } else {
            Tone::Warning
        };
        [
            tenant.tenant.as_str().into(),
            tenant.deliveries.into(),
            Cell::toned(tenant.corrected, tone),
        ]
    };
    output.table(
        "Rebuilt",
        ["tenant", "deliveries", "corrected"],
        rebuilt.iter().map(row).collect(),
    )?;
    output.note(&format!(
        "{} rebuilt, {corrected} corrected",
        count(deliveries, "delivery", "deliveries")
    ));
    Ok(())
}
