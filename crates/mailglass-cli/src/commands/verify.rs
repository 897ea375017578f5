//! `mailglass verify`.

mod check;
mod guard;
mod projections;

use std::process::ExitCode;

use clap::Args;
use mailglass::contract::{self, Difference, Warning};
use mailglass::migrations;
use serde::Serialize;

use crate::connection::{Connection, DatabaseOptions};
use crate::diagnosis;
use crate::failure::Failure;
use crate::output::{Cell, Output, Tone, count, or_empty};
use check::{Check, Outcome};

const LONG: &str = "\
Check a live database. The exit code is 1 if there are differences, and 0 otherwise.

contract    labels, tables, columns, constraints, indexes and triggers are as this release expects
guard       the ledger rejects UPDATE and DELETE, tried on no rows in a transaction that is rolled back
            (the server logs an error for each; TRUNCATE isn't tried, because it would lock the ledger)
migrations  all migrations of this release are applied
projection  with --projection: each delivery agrees with its events

It warns if this role is a superuser, owns the tables or bypasses row-level security: applications should connect as another role.

Harmless differences, such as an additional index, are shown and pass, unless --strict is set. If the database has no mailglass \
tables, the exit code is 4.";

const AFTER: &str = "\
Examples:
  mailglass verify --projection
  mailglass verify --strict --json | jq '.differences[].object'
  mailglass verify --scratch        # this release on this machine's PostgreSQL";

/// Check a live database against what this release expects.
#[derive(Args)]
#[command(long_about = LONG, after_help = AFTER)]
pub(crate) struct Verify {
    /// Check a new database on a throwaway server instead; ignores DATABASE_URL.
    #[arg(long)]
    scratch: bool,

    /// Also compare each delivery with its events. This reads the whole ledger, tenant by tenant.
    #[arg(long)]
    projection: bool,

    /// Compare only this tenant's deliveries.
    #[arg(long, requires = "projection")]
    tenant: Option<String>,

    /// Fail on harmless differences as well.
    #[arg(long)]
    strict: bool,
}

#[derive(Serialize)]
struct Report {
    is_ok: bool,
    checks: Vec<Check>,
    differences: Vec<Difference>,
    divergences: Vec<projections::Diverged>,
    warnings: Vec<Warning>,
}

impl Verify {
    pub(crate) fn run(self, database: &DatabaseOptions, output: &mut Output) -> Result<ExitCode, Failure> {
        let mut connection = if self.scratch {
            Connection::to_scratch()?
        } else {
            database.connect()?
        };
        let tables = connection.run(diagnosis::tables)?;
        if tables.is_empty() {
            return Err(diagnosis::not_migrated());
        }
        let differences = connection.run(contract::verify)?;
        let mut checks = vec![
            self.contract(&differences),
            guard::probe(&mut connection, &tables)?,
            migrations(&mut connection)?,
        ];
        let mut divergences = Vec::new();
        if self.projection {
            let check = projections::compare(&mut connection, self.tenant.as_deref(), &mut divergences)?;
            checks.push(check);
        }
        let warnings = connection.run(contract::warnings)?;
        let report = Report {
            is_ok: checks.iter().all(|check| check.outcome != Outcome::Failed),
            checks,
            differences,
            divergences,
            warnings,
        };
        show(&report, output)?;
        for warning in &report.warnings {
            output.note(&format!("warning: {warning}"));
        }
        if let Some(newer) = diagnosis::newer_release(&report.differences) {
            output.note(&format!("{newer}: {}", diagnosis::UPGRADE));
        }
        Ok(if report.is_ok {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(1)
        })
    }

    fn contract(&self, differences: &[Difference]) -> Check {
        let harmless = differences.iter().filter(|difference| difference.is_harmless).count();
        let broken = differences.len() - harmless;
        let is_failed = broken > 0 || (self.strict && harmless > 0);
        Check {
            check: "contract",
            outcome: if is_failed { Outcome::Failed } else { Outcome::Passed },
            detail: match differences.len() {
                0 => "matches this release".to_owned(),
                _ => format!(
                    "{}, {harmless} harmless",
                    count(broken, "serious difference", "serious differences")
                ),
            },
        }
    }
}

/// Checks that all migrations are applied. If none is recorded, migrations of the host created the tables, and the check is
/// skipped.
fn migrations(connection: &mut Connection) -> Result<Check, Failure> {
    let check = |outcome, detail: String| Check {
        check: "migrations",
        outcome,
        detail,
    };
    if !connection.run(diagnosis::may_read_versions)? {
        let detail = "this role can't read __diesel_schema_migrations";
        return Ok(check(Outcome::Skipped, detail.to_owned()));
    }
    let listed = connection.run(migrations::list)?;
    let pending: Vec<&str> = listed
        .iter()
        .filter(|migration| !migration.is_applied)
        .map(|migration| migration.version)
        .collect();
    Ok(if pending.is_empty() {
        check(
            Outcome::Passed,
            format!("{} applied", count(listed.len(), "migration", "migrations")),
        )
    } else if pending.len() == listed.len() {
        let detail = "no migration is recorded; exported migrations may have created the tables";
        check(Outcome::Skipped, detail.to_owned())
    } else {
        check(
            Outcome::Failed,
            format!("pending: {}; run `mailglass migrate`", pending.join(", ")),
        )
    })
}

fn show(report: &Report, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.document(report);
    }
    let check = |check: &Check| {
        let outcome = match check.outcome {
            Outcome::Passed => Cell::toned("passed", Tone::Good),
            Outcome::Failed => Cell::toned("FAILED", Tone::Bad),
            Outcome::Skipped => Cell::toned("skipped", Tone::Warning),
        };
        [check.check.into(), outcome, check.detail.as_str().into()]
    };
    let checks = report.checks.iter().map(check).collect();
    output.table("Checks", ["check", "outcome", "detail"], checks)?;
    let difference = |difference: &Difference| {
        let weight = if difference.is_harmless {
            Cell::toned("harmless", Tone::Warning)
        } else {
            Cell::toned("serious", Tone::Bad)
        };
        let kind = format!("{:?}", difference.kind).to_lowercase();
        [
            weight,
            kind.into(),
            difference.object.as_str().into(),
            or_empty(&difference.expected),
            or_empty(&difference.found),
        ]
    };
    if !report.differences.is_empty() {
        let rows = report.differences.iter().map(difference).collect();
        output.table("Differences", ["weight", "kind", "object", "expected", "found"], rows)?;
        for difference in &report.differences {
            if let Some(statement) = &difference.repair {
                output.note(&format!("to repair {}: {statement};", difference.object));
            }
        }
    }
    if !report.divergences.is_empty() {
        let rows = report
            .divergences
            .iter()
            .flat_map(projections::Diverged::rows)
            .collect();
        let header = ["tenant", "delivery", "column", "found", "expected"];
        output.table("Deliveries that differ from their events", header, rows)?;
    }
    Ok(())
}
