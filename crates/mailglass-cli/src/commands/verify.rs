//! `mailglass verify`.

mod check;
mod guard;
mod projections;

use std::process::ExitCode;

use clap::Args;
use mailglass::contract::{self, Difference};
use mailglass::migrations;
use serde::Serialize;

use crate::connection::{Connection, DatabaseOptions};
use crate::diagnosis;
use crate::failure::Failure;
use crate::output::{Cell, Output, Tone, or_empty};
use check::{Check, Outcome};

const LONG: &str = "\
Check a live database: exit code 1 with every difference, 0 where there is none.

contract    labels, tables, columns, constraints, indexes and triggers are what this release expects
guard       the ledger refuses an UPDATE and a DELETE, tried in a transaction that is rolled back, on no row
            (the server logs an error for each; TRUNCATE isn't tried, because it would lock the ledger)
migrations  those of this release are applied
projection  with --projection: each delivery says what its events say

What is there beyond what is expected and does no harm, such as an index of yours, is shown and passes, but not with --strict. \
A database in which there is no mailglass at all isn't checked: that is exit code 4.";

const AFTER: &str = "\
Examples:
  mailglass verify --projection
  mailglass verify --strict --json | jq '.differences[].object'
  mailglass verify --scratch        # what this release makes of an empty PostgreSQL of this machine's kind";

/// Check a live database against what this release expects of it.
#[derive(Args)]
#[command(long_about = LONG, after_help = AFTER)]
pub(crate) struct Verify {
    /// Check a throwaway server instead, migrated by this release, whatever DATABASE_URL says.
    #[arg(long)]
    scratch: bool,

    /// Also compare each delivery with its events. Reads the whole ledger, one tenant after the other.
    #[arg(long)]
    projection: bool,

    /// Only this tenant's deliveries.
    #[arg(long, requires = "projection")]
    tenant: Option<String>,

    /// Let harmless differences fail, too.
    #[arg(long)]
    strict: bool,
}

#[derive(Serialize)]
struct Report {
    is_ok: bool,
    checks: Vec<Check>,
    differences: Vec<Difference>,
    divergences: Vec<projections::Diverged>,
}

impl Verify {
    pub(crate) fn run(self, database: &DatabaseOptions, output: &mut Output) -> Result<ExitCode, Failure> {
        let mut connection = if self.scratch {
            Connection::to_scratch()?
        } else {
            database.connect()?
        };
        let there = connection.run(diagnosis::tables)?;
        if there.is_empty() {
            return Err(diagnosis::not_migrated());
        }
        let differences = connection.run(contract::verify)?;
        let mut checks = vec![
            self.contract(&differences),
            guard::probe(&mut connection, &there)?,
            migrations(&mut connection)?,
        ];
        let mut divergences = Vec::new();
        if self.projection {
            let check = projections::compare(&mut connection, self.tenant.as_deref(), &mut divergences)?;
            checks.push(check);
        }
        let report = Report {
            is_ok: checks.iter().all(|check| check.outcome != Outcome::Failed),
            checks,
            differences,
            divergences,
        };
        show(&report, output)?;
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
                0 => "as this release expects".to_owned(),
                _ => format!("{broken} differences that matter, {harmless} harmless"),
            },
        }
    }
}

/// Those that aren't applied; unless none is, because then others made what the contract is compared with.
fn migrations(connection: &mut Connection) -> Result<Check, Failure> {
    let check = |outcome, detail: String| Check {
        check: "migrations",
        outcome,
        detail,
    };
    if !connection.run(diagnosis::may_read_versions)? {
        let detail = "this role may not read __diesel_schema_migrations";
        return Ok(check(Outcome::Skipped, detail.to_owned()));
    }
    let listed = connection.run(migrations::list)?;
    let pending: Vec<&str> = listed
        .iter()
        .filter(|migration| !migration.is_applied)
        .map(|migration| migration.version)
        .collect();
    Ok(if pending.is_empty() {
        check(Outcome::Passed, format!("all {} are applied", listed.len()))
    } else if pending.len() == listed.len() {
        let detail = "none is recorded: other migrations made the tables (`mailglass migrations export`?)";
        check(Outcome::Skipped, detail.to_owned())
    } else {
        check(
            Outcome::Failed,
            format!("pending, run `mailglass migrate`: {}", pending.join(", ")),
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
            Cell::toned("matters", Tone::Bad)
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
    }
    if !report.divergences.is_empty() {
        let rows = report
            .divergences
            .iter()
            .flat_map(projections::Diverged::rows)
            .collect();
        let header = ["tenant", "delivery", "column", "found", "expected"];
        output.table("Deliveries that don't say what their events say", header, rows)?;
    }
    Ok(())
}
