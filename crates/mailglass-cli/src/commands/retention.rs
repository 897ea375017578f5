//! `mailglass retention`.

mod export;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use clap::{ArgGroup, Args};
use indicatif::{ProgressBar, ProgressStyle};
use mailglass::retention::{
    self, CutOptions, CutPreview, CutReport, CutStatus, DetailsOptions, OldLedger, Step, expire_details,
};
use mailglass::tenancy::Tenants;
use serde_json::json;

use crate::connection::{Connection, DatabaseOptions};
use crate::failure::{Failure, Kind};
use crate::interrupt;
use crate::output::{Output, time};

const LONG: &str = "\
Remove old deliveries with all of their events, and expire details.

--older-than removes the deliveries whose last event is older, with all of their events, links and details. The ledger rejects \
DELETE, so the command builds a new ledger beside the old one, copies the events that stay, and swaps the two. Recording continues. \
The old ledger stays as mailglass_events_until_<date>, with its guard; --drop-old drops it. Only the owner of the tables can do this, \
and the disk must have room for the events that stay. Views and foreign keys on mailglass_events are listed, and nothing is done.

A cut consists of steps, each a transaction. Ctrl-C stops after the current step. --status prints the state of an unfinished cut, \
--resume continues it, and --abort removes everything that it made, as long as the new ledger is not in use. On a terminal, a bar shows \
the progress.

--details-older-than deletes the rows of mailglass_event_details that were inserted earlier. The events stay. With --older-than, it \
comes first.

--export writes an old ledger as CSV, in the order of the ids, and prints the SHA-256 of the file.";

const AFTER: &str = "\
Durations look like 30days, 13months or 2years. A month has 30.44 days.

Examples:
  mailglass retention --older-than 13months --dry-run
  mailglass retention --older-than 13months --details-older-than 30days
  mailglass retention --resume
  mailglass retention --export mailglass_events_until_20251026 --to events.csv";

/// Remove old deliveries with their events, and expire details.
#[derive(Args)]
#[command(long_about = LONG, after_help = AFTER)]
#[command(group = ArgGroup::new("task").required(true).multiple(true)
    .args(["older_than", "details_older_than", "status", "resume", "abort", "export"]))]
pub(crate) struct Retention {
    /// Remove the deliveries whose last event is older than this.
    #[arg(long, value_name = "DURATION", value_parser = age)]
    older_than: Option<Duration>,

    /// Drop the old ledger instead of keeping it.
    #[arg(long, requires = "older_than")]
    drop_old: bool,

    /// Count what --older-than would remove, and change nothing.
    #[arg(long, requires = "older_than", conflicts_with_all = ["details_older_than", "drop_old"])]
    dry_run: bool,

    /// Read at most this many rows per step.
    #[arg(long, value_name = "ROWS", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    batch: u32,

    /// Delete the details of events that were recorded longer ago than this.
    #[arg(long, value_name = "DURATION", value_parser = age)]
    details_older_than: Option<Duration>,

    /// Delete only this tenant's details. A cut is of all tenants.
    #[arg(long, requires = "details_older_than", conflicts_with = "older_than")]
    tenant: Option<String>,

    /// Print the state of an unfinished cut.
    #[arg(long, conflicts_with_all = ["older_than", "details_older_than", "resume", "abort", "export"])]
    status: bool,

    /// Continue an unfinished cut.
    #[arg(long, conflicts_with_all = ["older_than", "details_older_than", "abort", "export"])]
    resume: bool,

    /// Abort an unfinished cut.
    #[arg(long, conflicts_with_all = ["older_than", "details_older_than", "export"])]
    abort: bool,

    /// Write this old ledger as CSV.
    #[arg(long, value_name = "TABLE", requires = "to", conflicts_with_all = ["older_than", "details_older_than"])]
    export: Option<String>,

    /// The file that --export writes. It must not exist.
    #[arg(long, value_name = "FILE", requires = "export")]
    to: Option<PathBuf>,
}

/// A duration that reaches back to no earlier than the year 1.
fn age(text: &str) -> Result<Duration, String> {
    let age = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    match ago(age) {
        Some(_) if !age.is_zero() => Ok(age),
        Some(_) => Err("must be longer than 0s".to_owned()),
        None => Err("must be shorter than 2000 years".to_owned()),
    }
}

fn ago(age: Duration) -> Option<DateTime<Utc>> {
    const LONGEST: Duration = Duration::from_secs(2_000 * 365 * 24 * 60 * 60);
    let age = TimeDelta::from_std(age).ok().filter(|_| age < LONGEST)?;
    Utc::now().checked_sub_signed(age)
}

impl Retention {
    pub(crate) fn run(self, database: &DatabaseOptions, output: &mut Output) -> Result<ExitCode, Failure> {
        let mut connection = database.connect_to_this_release()?;
        if self.status {
            status(&mut connection, output)?;
        } else if self.abort {
            abort(&mut connection, output)?;
        } else if let (Some(table), Some(path)) = (&self.export, &self.to) {
            export::export(&mut connection, table, path, output)?;
        } else if self.dry_run {
            self.preview(&mut connection, output)?;
        } else {
            self.remove(&mut connection, output)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn before(age: Option<Duration>) -> Option<DateTime<Utc>> {
        age.and_then(ago)
    }

    fn preview(&self, connection: &mut Connection, output: &mut Output) -> Result<(), Failure> {
        let Some(before) = Self::before(self.older_than) else {
            return Ok(());
        };
        let preview = connection.run(|conn| retention::preview(conn, before))?;
        if output.is_json() {
            return output.document(&json!({"before": time(&before), "preview": preview}));
        }
        let CutPreview {
            deliveries,
            deliveries_leaving,
            events,
            events_leaving,
            ..
        } = preview;
        output.table(
            "Would leave",
            ["rows", "leave", "stay"],
            vec![
                [
                    "deliveries".into(),
                    deliveries_leaving.into(),
                    (deliveries - deliveries_leaving).into(),
                ],
                ["events".into(), events_leaving.into(), (events - events_leaving).into()],
            ],
        )
    }

    fn remove(&self, connection: &mut Connection, output: &mut Output) -> Result<(), Failure> {
        interrupt::work_in_steps();
        let expired = match Self::before(self.details_older_than) {
            Some(before) => {
                let options = DetailsOptions {
                    tenants: self.tenant.clone().map_or(Tenants::All, Tenants::Only),
                    batch: self.batch,
                };
                Some(connection.run(|conn| expire_details(conn, before, &options))?)
            }
            None => None,
        };
        let report = if let Some(before) = Self::before(self.older_than) {
            let options = CutOptions {
                batch: self.batch,
                old_ledger: if self.drop_old {
                    OldLedger::Drop
                } else {
                    OldLedger::Keep
                },
                ..CutOptions::before(before)
            };
            connection.run(|conn| retention::begin(conn, &options))?;
            Some(finish(connection)?)
        } else if self.resume {
            Some(finish(connection)?)
        } else {
            None
        };
        show(expired, report.as_ref(), output)
    }
}

/// Makes the remaining steps of a cut, until an interrupt.
fn finish(connection: &mut Connection) -> Result<CutReport, Failure> {
    interrupt::work_in_steps();
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{msg:10} {bar:40} {pos}/{len} ({elapsed})") {
        bar.set_style(style);
    }
    loop {
        match connection.run(retention::step)? {
            Step::Finished(report) => {
                bar.finish_and_clear();
                return Ok(report);
            }
            Step::Continue(status) => {
                bar.set_length(status.expected.max(status.done).unsigned_abs());
                bar.set_position(status.done.unsigned_abs());
                bar.set_message(status.phase.as_str());
            }
        }
        if interrupt::is_requested() {
            bar.finish_and_clear();
            return Err(
                Failure::new(Kind::Interrupted, "interrupted between two steps of the cut")
                    .hint("continue it with `mailglass retention --resume`, or remove it with --abort"),
            );
        }
    }
}

fn show(expired: Option<u64>, report: Option<&CutReport>, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.document(&json!({"expired_details": expired, "cut": report}));
    }
    let mut rows = Vec::new();
    if let Some(report) = report {
        rows.push(["deliveries".into(), report.deliveries_left.into(), "".into()]);
        rows.push(["events".into(), report.events_left.into(), report.events_kept.into()]);
        rows.push(["links".into(), report.links_left.into(), "".into()]);
        rows.push(["details".into(), report.details_left.into(), "".into()]);
    }
    if let Some(expired) = expired {
        rows.push(["expired details".into(), expired.into(), "".into()]);
    }
    output.table("Removed", ["rows", "left", "stay"], rows)?;
    if let Some(table) = report.and_then(|report| report.kept_as.as_ref()) {
        output.note(&format!("the old ledger is {table}; `DROP TABLE {table}` removes it"));
    }
    Ok(())
}

fn status(connection: &mut Connection, output: &mut Output) -> Result<(), Failure> {
    let status = connection.run(retention::status)?;
    if output.is_json() {
        return output.document(&json!({"cut": status}));
    }
    match status {
        None => output.line("no cut is unfinished"),
        Some(CutStatus {
            before,
            began_at,
            phase,
            done,
            expected,
            ..
        }) => output.table(
            "Unfinished cut",
            ["before", "began", "phase", "done", "expected"],
            vec![[
                time(&before).into(),
                time(&began_at).into(),
                phase.as_str().into(),
                done.into(),
                expected.into(),
            ]],
        ),
    }
}

fn abort(connection: &mut Connection, output: &mut Output) -> Result<(), Failure> {
    let aborted = connection.run(retention::abort)?;
    if output.is_json() {
        return output.document(&json!({"aborted": aborted}));
    }
    output.line(&format!("aborted in the phase {}; nothing was removed", aborted.phase))
}
