//! `mailglass suppressions add`.

use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::Args;
use mailglass::suppressions::{self, Added, NewSuppression};
use mailglass::{SuppressionReason, tenancy};
use serde_json::json;

use super::{HEADER, SubjectArguments, row};
use crate::connection::DatabaseOptions;
use crate::failure::{Failure, Kind};
use crate::output::Output;

const LONG: &str = "\
Add a suppression, which begins now.

There is one for each subject and reason. If it exists, it is extended: it ends at the later of the two times, and a permanent one \
stays permanent.";

const AFTER: &str = "\
Durations look like 12h, 30days or 2years.

Examples:
  mailglass suppressions add acme ann@example.com --reason complaint
  mailglass suppressions add acme ann@example.com --stream bulk --reason unsubscribe
  mailglass suppressions add acme example.org --domain --for 30days";

/// Add a suppression.
#[derive(Args)]
#[command(long_about = LONG, after_help = AFTER)]
pub(crate) struct Add {
    /// The tenant.
    tenant: String,

    #[command(flatten)]
    subject: SubjectArguments,

    /// Why: hard_bounce, complaint, unsubscribe, manual, policy, invalid_recipient or soft_bounce.
    #[arg(long, default_value_t = SuppressionReason::Manual)]
    reason: SuppressionReason,

    /// When it ends (RFC 3339). Without this and --for, it is permanent.
    #[arg(long, value_name = "TIME", conflicts_with = "for")]
    until: Option<DateTime<Utc>>,

    /// How long it lasts.
    #[arg(long = "for", id = "for", value_name = "DURATION", value_parser = humantime::parse_duration)]
    lasts: Option<Duration>,

    /// Store only the digest of the address. `remove` finds it nevertheless.
    #[arg(long)]
    without_address: bool,
}

impl Add {
    pub(super) fn run(self, database: &DatabaseOptions, output: &mut Output) -> Result<(), Failure> {
        let mut new = NewSuppression::new(&self.tenant, self.subject.subject(), self.reason);
        if let Some(end) = self.end()? {
            new = new.until(end);
        }
        if self.without_address {
            new = new.without_address();
        }
        let mut connection = database.connect_to_this_release()?;
        let added = connection
            .run(|conn| tenancy::scoped(conn, &self.tenant, |conn| suppressions::add(conn, &[new.clone()])))?;
        let Some(added) = added.first() else { return Ok(()) };
        let outcome = match added {
            Added::Added(_) => "added",
            Added::Extended(_) => "extended",
            Added::Unchanged(_) => "unchanged",
        };
        if output.is_json() {
            return output.document(&json!({"outcome": outcome, "suppression": added.suppression()}));
        }
        output.table(outcome, HEADER, vec![row(added.suppression())])?;
        output.note(outcome);
        Ok(())
    }

    fn end(&self) -> Result<Option<DateTime<Utc>>, Failure> {
        let Some(lasts) = self.lasts else { return Ok(self.until) };
        let end = chrono::TimeDelta::from_std(lasts).ok();
        let end = end.and_then(|lasts| Utc::now().checked_add_signed(lasts));
        match end {
            Some(end) => Ok(Some(end)),
            None => Err(Failure::new(Kind::Usage, "--for is too long").hint("without --for, it is permanent")),
        }
    }
}
