//! `mailglass verify-checkpoints`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use mailglass::ledger::{self, CheckpointDifference, CheckpointReport, Digest};
use serde::Serialize;

use super::checkpoint::file::read_existing;
use crate::connection::DatabaseOptions;
use crate::failure::Failure;
use crate::output::{Cell, Output, Tone, count};

const LONG: &str = "\
Compare a tenant's ledger with the checkpoints that `mailglass checkpoint` made. The exit code is 1 if there are differences, and \
0 otherwise.

Every event in the ranges of the checkpoints is read once. Events that were appended before the first range or after the last \
one are not compared. Run it as a role that the owner of the tables can't deceive, such as a superuser, or on a replica.

Give --head the digest of the last checkpoint if you keep a copy elsewhere, because a chain from which the last checkpoints were \
removed has no difference by itself.";

const AFTER: &str = "\
Examples:
  mailglass verify-checkpoints acme acme.checkpoints
  mailglass verify-checkpoints acme 2025.checkpoints 2026.checkpoints --json | jq '.differences'";

/// Compare a tenant's ledger with its checkpoints.
#[derive(Args)]
#[command(long_about = LONG, after_help = AFTER)]
pub(crate) struct VerifyCheckpoints {
    /// The tenant.
    tenant: String,

    /// The files with the checkpoints, in order.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// The digest that the last checkpoint must have.
    #[arg(long, value_name = "DIGEST")]
    head: Option<Digest>,
}

#[derive(Serialize)]
struct Document<'a> {
    is_ok: bool,
    #[serde(flatten)]
    report: &'a CheckpointReport,
}

impl VerifyCheckpoints {
    pub(crate) fn run(self, database: &DatabaseOptions, output: &mut Output) -> Result<ExitCode, Failure> {
        let mut chain = Vec::new();
        for file in &self.files {
            chain.extend(read_existing(file)?);
        }
        if let Some(head) = self.head
            && chain.last().map(|last| last.digest) != Some(head)
        {
            let message = format!("the last checkpoint is not {head}: checkpoints are missing at the end");
            return Err(Failure::failed(message).hint("find the checkpoint with this digest and those before it"));
        }
        let mut connection = database.connect_to_migrated()?;
        let report = connection.run(|conn| ledger::verify_checkpoints(conn, &self.tenant, &chain))?;
        show(&report, output)
    }
}

/// Shows a report. The exit code is 1 if there are differences.
pub(crate) fn show(report: &CheckpointReport, output: &mut Output) -> Result<ExitCode, Failure> {
    if output.is_json() {
        let is_ok = report.is_ok();
        output.document(&Document { is_ok, report })?;
    } else {
        let row = |difference: &CheckpointDifference| {
            let problem = Cell::toned(difference.problem.to_string(), Tone::Bad);
            [difference.checkpoint.into(), problem]
        };
        let rows: Vec<_> = report.differences.iter().map(row).collect();
        if !rows.is_empty() {
            output.table("Differences", ["checkpoint", "problem"], rows)?;
        }
        let head = report
            .head
            .map_or(String::new(), |head| format!(", the last is {head}"));
        output.note(&format!(
            "{} with {} compared, {}{head}",
            count(report.compared, "checkpoint", "checkpoints"),
            count(usize::try_from(report.events).unwrap_or(usize::MAX), "event", "events"),
            count(report.differences.len(), "difference", "differences"),
        ));
    }
    Ok(if report.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}
