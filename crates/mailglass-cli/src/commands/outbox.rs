//! `mailglass outbox`.

use std::process::ExitCode;

use clap::Args;
use diesel::prelude::*;
use mailglass::outbox::{self, Held, QueueStatus};
use mailglass::schema::mailglass_outbox;
use mailglass::tenancy::Tenants;
use mailglass::{Error, Result};
use serde_json::json;
use uuid::Uuid;

use crate::connection::DatabaseOptions;
use crate::failure::Failure;
use crate::output::{Cell, Output, Tone, count, or_empty, row, time};

const LONG: &str = "\
Show the deliveries that wait to be sent, or decide about one of them.

Without an option, it counts them by tenant and stream: due, scheduled for later, leased by a worker, and held. Then it lists the \
held ones, longest held first. A delivery is held if its last attempt began and never ended, so that nobody knows whether the \
message was sent, or because somebody held it. Ask the provider, or wait for its webhook: a held delivery leaves the outbox as soon as \
an event proves that it was sent. Otherwise send it with --resend.

--release ends the lease of a worker that is known to be dead. Otherwise it ends by itself.";

const AFTER: &str = "\
Examples:
  mailglass outbox --tenant acme
  mailglass outbox --resend 0193f0a2-7c4e-7d1a-9c39-0a1b2c3d4e5f
  mailglass outbox --json | jq -r '.held[] | select(.may_have_been_sent | not) | .delivery_id' |
    xargs -n 1 mailglass outbox --resend";

/// Show the deliveries that wait to be sent, or decide about one of them.
#[derive(Args)]
#[command(long_about = LONG, after_help = AFTER)]
pub(crate) struct Outbox {
    /// Count and list only this tenant's deliveries, or search only this tenant.
    #[arg(long)]
    tenant: Option<String>,

    /// List at most this many held deliveries.
    #[arg(long, value_name = "DELIVERIES", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,

    /// End the lease of this delivery: it is due at once.
    #[arg(long, value_name = "ID", conflicts_with_all = ["hold", "resend", "limit"])]
    release: Option<Uuid>,

    /// Hold this delivery: no worker sends it.
    #[arg(long, value_name = "ID", conflicts_with_all = ["resend", "limit"])]
    hold: Option<Uuid>,

    /// Send this held delivery, although it may have been sent: it is due at once.
    #[arg(long, value_name = "ID", conflicts_with = "limit")]
    resend: Option<Uuid>,
}

/// A decision about a delivery.
struct Decision {
    id: Uuid,
    decide: fn(&mut PgConnection, &str, Uuid) -> Result<()>,
    /// What the delivery is then, for programs and for people.
    outcome: &'static str,
    sentence: &'static str,
}

impl Outbox {
    pub(crate) fn run(self, database: &DatabaseOptions, output: &mut Output) -> std::result::Result<ExitCode, Failure> {
        match self.decision() {
            Some(decision) => self.decide(&decision, database, output)?,
            None => self.show(database, output)?,
        }
        Ok(ExitCode::SUCCESS)
    }

    fn decision(&self) -> Option<Decision> {
        let release = self.release.map(|id| Decision {
            id,
            decide: outbox::release,
            outcome: "released",
            sentence: "is released, and so it is due",
        });
        let hold = self.hold.map(|id| Decision {
            id,
            decide: outbox::hold,
            outcome: "held",
            sentence: "is held: no worker sends it until --resend",
        });
        let resend = self.resend.map(|id| Decision {
            id,
            decide: outbox::resend,
            outcome: "due",
            sentence: "is due, and will be sent",
        });
        release.or(hold).or(resend)
    }

    fn decide(
        &self,
        decision: &Decision,
        database: &DatabaseOptions,
        output: &mut Output,
    ) -> std::result::Result<(), Failure> {
        let Decision {
            id, outcome, sentence, ..
        } = *decision;
        let mut connection = database.connect_to_this_release()?;
        connection.run(|conn| {
            let tenant_id = match &self.tenant {
                Some(tenant_id) => tenant_id.clone(),
                None => tenant_of(conn, id)?,
            };
            (decision.decide)(conn, &tenant_id, id)
        })?;
        if output.is_json() {
            output.document(&json!({ "delivery_id": id, "outcome": outcome }))
        } else {
            output.line(&format!("delivery {id} {sentence}"))
        }
    }

    fn show(&self, database: &DatabaseOptions, output: &mut Output) -> std::result::Result<(), Failure> {
        let mut connection = database.connect_to_migrated()?;
        let tenants = self.tenant.clone().map_or(Tenants::All, Tenants::Only);
        // From one snapshot, so that they agree.
        let (queues, held) = connection.run(|conn| {
            conn.build_transaction().repeatable_read().read_only().run(|conn| {
                Ok::<_, Error>((
                    outbox::status(conn, &tenants)?,
                    outbox::held(conn, &tenants, self.limit)?,
                ))
            })
        })?;
        if output.is_json() {
            return output.document(&json!({
                "queues": queues.iter().map(row).collect::<Vec<_>>(),
                "held": held.iter().map(row).collect::<Vec<_>>(),
            }));
        }
        let header = [
            "tenant_id",
            "stream",
            "due",
            "scheduled",
            "leased",
            "held",
            "oldest_due_at",
        ];
        output.table("Outbox", header, queues.iter().map(queue).collect())?;
        let header = [
            "delivery_id",
            "tenant_id",
            "stream",
            "attempts",
            "may_have_been_sent",
            "held_at",
        ];
        output.table("Held", header, held.iter().map(held_delivery).collect())?;
        let all: i64 = queues.iter().map(|queue| queue.held).sum();
        let unlisted = usize::try_from(all).unwrap_or_default().saturating_sub(held.len());
        if unlisted > 0 {
            let more = count(unlisted, "more delivery is held", "more deliveries are held");
            output.note(&format!("{more}; raise --limit to list all"));
        }
        Ok(())
    }
}

/// The tenant of a delivery that waits. Ids are unique across tenants.
fn tenant_of(conn: &mut PgConnection, delivery_id: Uuid) -> Result<String> {
    let found: Option<String> = mailglass_outbox::table
        .find(delivery_id)
        .select(mailglass_outbox::tenant_id)
        .first(conn)
        .optional()?;
    found.ok_or(Error::NotFound {
        record: "delivery in the outbox",
        id: delivery_id,
    })
}

fn queue(queue: &QueueStatus) -> [Cell; 7] {
    let tone = if queue.held > 0 { Tone::Warning } else { Tone::Neutral };
    [
        queue.tenant_id.as_str().into(),
        queue.stream.into(),
        queue.due.into(),
        queue.scheduled.into(),
        queue.leased.into(),
        Cell::toned(queue.held, tone),
        or_empty(&queue.oldest_due_at.as_ref().map(time)),
    ]
}

fn held_delivery(held: &Held) -> [Cell; 6] {
    let (answer, tone) = match held.may_have_been_sent {
        true => ("yes", Tone::Warning),
        false => ("no", Tone::Neutral),
    };
    [
        held.delivery_id.into(),
        held.tenant_id.as_str().into(),
        held.stream.into(),
        held.attempts.into(),
        Cell::toned(answer, tone),
        time(&held.held_at).into(),
    ]
}
