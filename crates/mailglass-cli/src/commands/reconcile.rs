//! `mailglass reconcile`.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use mailglass::reconciler::{SweepOptions, SweepReport, sweep};
use mailglass::suppressions::SuppressionRules;
use mailglass::tenancy::Tenants;
use serde::Serialize;
use serde_json::json;

use crate::connection::{Connection, DatabaseOptions};
use crate::failure::{Failure, Kind};
use crate::interrupt;
use crate::output::{Output, count};

const LONG: &str = "\
Link events that were recorded before their delivery: in one sweep, or repeatedly with --every.

A sweep takes the pending events that were checked least recently, links those whose delivery exists by now, and expires those \
that have waited too long. It is one statement, so it happens completely or not at all. Several processes can sweep at the same \
time.

With --every, the command is a service. It prints a line for each sweep that linked or expired something; with --verbose, for \
each sweep. A lost connection is reported on standard error and opened again after a second, then after two, four and so on, up \
to half a minute. Ctrl-C or SIGTERM ends the service after the current sweep, with a line of totals and exit code 0.";

const AFTER: &str = "\
Durations look like 30s, 5m, 12h or 7d.

Examples:
  mailglass reconcile
  mailglass reconcile --every 30s
  mailglass reconcile --every 30s --json >> sweeps.jsonl";

/// Link events that were recorded before their delivery.
#[derive(Args)]
#[command(long_about = LONG, after_help = AFTER)]
pub(crate) struct Reconcile {
    /// Sweep repeatedly, with this pause between sweeps; at least 100ms.
    #[arg(long, value_name = "DURATION", value_parser = pause)]
    every: Option<Duration>,

    /// With --every, print a line for each sweep.
    #[arg(long, requires = "every")]
    verbose: bool,

    /// Check only this tenant's events.
    #[arg(long)]
    tenant: Option<String>,

    /// Check at most this many events per sweep.
    #[arg(long, value_name = "EVENTS", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,

    /// Skip events that have waited less than this.
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = humantime::parse_duration)]
    grace: Duration,

    /// Expire events that have waited longer than this.
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = humantime::parse_duration)]
    max_age: Duration,

    /// Suppress the recipients of linked hard bounces, complaints and unsubscriptions.
    #[arg(long)]
    suppress: bool,
}

fn pause(text: &str) -> Result<Duration, String> {
    let pause = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if pause < Duration::from_millis(100) {
        Err("must be at least 100ms".to_owned())
    } else {
        Ok(pause)
    }
}

/// The numbers of events of a sweep, by outcome.
#[derive(Clone, Copy, Default, Serialize)]
struct Counts {
    linked: i64,
    waiting: i64,
    ambiguous: i64,
    expired: i64,
    failed: i64,
}

impl From<SweepReport> for Counts {
    fn from(report: SweepReport) -> Self {
        Counts {
            linked: report.linked,
            waiting: report.waiting,
            ambiguous: report.ambiguous,
            expired: report.expired,
            failed: report.failed.len() as i64,
        }
    }
}

impl Counts {
    fn line(self) -> String {
        let Counts {
            linked,
            waiting,
            ambiguous,
            expired,
            failed,
        } = self;
        format!("linked {linked}, waiting {waiting}, ambiguous {ambiguous}, expired {expired}, failed {failed}")
    }

    fn total(self) -> i64 {
        self.linked + self.waiting + self.ambiguous + self.expired + self.failed
    }
}

impl Reconcile {
    pub(crate) fn run(self, database: &DatabaseOptions, output: &mut Output) -> Result<ExitCode, Failure> {
        let connection = database.connect_to_this_release()?;
        match self.every {
            Some(every) => self.serve(every, connection, database, output)?,
            None => self.once(connection, output)?,
        }
        Ok(ExitCode::SUCCESS)
    }

    fn sweep(&self, connection: &mut Connection, output: &Output) -> Result<Counts, Failure> {
        let request = SweepOptions {
            tenants: self.tenant.clone().map_or(Tenants::All, Tenants::Only),
            limit: self.limit,
            grace: self.grace,
            max_age: self.max_age,
            suppress: self.suppress.then(SuppressionRules::default),
        };
        let report = connection.run(|conn| sweep(conn, &request))?;
        for failed in &report.failed {
            let delivery = failed
                .delivery_id
                .map_or("a delivery".to_owned(), |id| format!("delivery {id}"));
            output.note(&format!(
                "mailglass: event {} could not be linked to {delivery}: {}",
                failed.event_id, failed.error
            ));
        }
        Ok(Counts::from(report))
    }

    fn once(&self, mut connection: Connection, output: &mut Output) -> Result<(), Failure> {
        let counts = self.sweep(&mut connection, output)?;
        if output.is_json() {
            return output.document(&counts);
        }
        output.line(&counts.line())?;
        if counts.total() >= i64::from(self.limit) {
            output.note("reached --limit; sweep again, because there may be more events");
        }
        Ok(())
    }

    /// Sweeps until an interrupt, or until a failure other than a lost connection.
    fn serve(
        &self,
        every: Duration,
        connection: Connection,
        database: &DatabaseOptions,
        output: &mut Output,
    ) -> Result<(), Failure> {
        interrupt::work_in_steps();
        let mut connection = Some(connection);
        let mut backoff = Backoff::default();
        let (mut sweeps, mut linked, mut expired) = (0, 0, 0);
        // Once the reader of the output is gone, the service ends.
        while !interrupt::is_requested() && !output.is_closed() {
            let swept = match &mut connection {
                Some(connection) => self.sweep(connection, output),
                None => database.connect_to_this_release().and_then(|made| {
                    output.note("mailglass: reconnected");
                    self.sweep(connection.insert(made), output)
                }),
            };
            let counts = match swept {
                Ok(counts) => counts,
                Err(failure) if failure.kind == Kind::Unreachable => {
                    connection = None;
                    failure.report(output.is_json());
                    interrupt::wait(backoff.next());
                    continue;
                }
                Err(failure) => return Err(failure),
            };
            backoff = Backoff::default();
            sweeps += 1;
            linked += counts.linked;
            expired += counts.expired;
            if self.verbose || counts.linked + counts.expired + counts.failed > 0 {
                if output.is_json() {
                    output.object(&counts)?
                } else {
                    output.line(&counts.line())?
                }
            }
            interrupt::wait(every);
        }
        if output.is_json() {
            output.object(&json!({"sweeps": sweeps, "linked": linked, "expired": expired}))
        } else {
            output.line(&format!(
                "{}: linked {linked}, expired {expired}",
                count(sweeps, "sweep", "sweeps")
            ))
        }
    }
}

/// The pause before the next attempt to connect.
struct Backoff(Duration);

impl Default for Backoff {
    fn default() -> Self {
        Backoff(Duration::from_secs(1))
    }
}

impl Backoff {
    const LONGEST: Duration = Duration::from_secs(30);

    fn next(&mut self) -> Duration {
        let pause = self.0;
        self.0 = (pause * 2).min(Backoff::LONGEST);
        pause
    }
}
