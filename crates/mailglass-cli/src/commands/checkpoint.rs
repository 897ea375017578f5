//! `mailglass checkpoint`.

pub(crate) mod file;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::Args;
use mailglass::ledger::{self, Checkpoint, CheckpointOptions, Checkpointed, Renewal, SliceWidth};

use super::verify_checkpoints::show;
use crate::connection::DatabaseOptions;
use crate::failure::Failure;
use crate::output::Output;
use file::read;

const LONG: &str = "\
Make a checkpoint of a tenant's ledger: a digest that reveals later whether a recorded event was changed.

The checkpoint is one line of JSON without any content of an event. It is chained to the last one in --previous, and covers the \
events that were appended since. Keep the file where the owner of the database can't change it. `mailglass verify-checkpoints` \
compares the ledger with it.

A checkpoint waits for transactions that are open at the end of its range, and delays no recording. If --wait is over, the exit \
code is 5; try again.

After retention has moved events to another table, --renew prints new checkpoints in place of all in --previous. If the two \
tables together differ from the checkpoints, it prints the differences, and the exit code is 1.";

const AFTER: &str = "\
Examples:
  mailglass checkpoint acme --previous acme.checkpoints >> acme.checkpoints     # an absent or empty file begins a chain
  mailglass checkpoint acme --previous acme.checkpoints --renew mailglass_events_until_2026_01_01 >> acme.checkpoints";

/// Make a checkpoint of a tenant's ledger, which reveals changes to recorded events.
#[derive(Args)]
#[command(long_about = LONG, after_help = AFTER)]
pub(crate) struct MakeCheckpoint {
    /// The tenant.
    tenant: String,

    /// The file with the checkpoints so far, one a line.
    #[arg(long, value_name = "FILE")]
    previous: Option<PathBuf>,

    /// The end of the range, exclusive (RFC 3339); one minute ago by default.
    #[arg(long, value_name = "TIME")]
    until: Option<DateTime<Utc>>,

    /// How long to wait for open transactions.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = humantime::parse_duration)]
    wait: Duration,

    /// Keep a digest of each hour instead of each day.
    #[arg(long)]
    hourly: bool,

    /// Renew all checkpoints, with the events that retention has moved to this table.
    #[arg(long, value_name = "TABLE", requires = "previous", conflicts_with_all = ["until", "hourly"])]
    renew: Option<String>,
}

impl MakeCheckpoint {
    pub(crate) fn run(self, database: &DatabaseOptions, output: &mut Output) -> Result<ExitCode, Failure> {
        let chain = match &self.previous {
            Some(path) => read(path)?,
            None => Vec::new(),
        };
        let mut connection = database.connect_to_migrated()?;
        if let Some(kept) = &self.renew {
            let renewal = connection.run(|conn| ledger::renew_checkpoints(conn, &self.tenant, &chain, kept))?;
            return match renewal {
                Renewal::Renewed(renewed) => write(&renewed, output),
                Renewal::Differing(report) => show(&report, output),
            };
        }
        let options = CheckpointOptions {
            until: self.until,
            patience: self.wait,
            slice_width: if self.hourly { SliceWidth::Hour } else { SliceWidth::Day },
        };
        let made = connection.run(|conn| ledger::checkpoint(conn, &self.tenant, chain.last(), &options))?;
        match made {
            Checkpointed::Made(checkpoint) => write(&[*checkpoint], output),
            Checkpointed::Waiting { until, open } => {
                let open: Vec<String> = open.iter().map(ToString::to_string).collect();
                let message = format!("{} began before {until} and may still append events", open.join(", "));
                Err(Failure::failed(message).hint("try again, or set --wait"))
            }
        }
    }
}

fn write(checkpoints: &[Checkpoint], output: &mut Output) -> Result<ExitCode, Failure> {
    for checkpoint in checkpoints {
        output.object(checkpoint)?;
    }
    Ok(ExitCode::SUCCESS)
}
