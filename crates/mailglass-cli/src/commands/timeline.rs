//! `mailglass timeline`.

use std::process::ExitCode;

use clap::Args;
use diesel::prelude::*;
use mailglass::projection::Decision;
use mailglass::schema::mailglass_deliveries;
use mailglass::{Delivery, Error, Event};
use serde_json::json;
use uuid::Uuid;

use crate::connection::DatabaseOptions;
use crate::failure::Failure;
use crate::output::{Cell, Output, Tone, or_empty, row, time};

const LONG: &str = "\
Show a delivery, its events in order, and the event that decided each column of its projection.

Events are in the order of the projection: by the time at which they occurred, then by lifecycle. They include events that the \
reconciler linked. If a column differs from its events, it was changed by hand; `mailglass rebuild` corrects it.";

const AFTER: &str = "\
Examples:
  mailglass timeline 0193f0a2-7c4e-7d1a-9c39-0a1b2c3d4e5f
  mailglass timeline 0193f0a2-7c4e-7d1a-9c39-0a1b2c3d4e5f --json | jq '.events[].type'";

/// Show a delivery, its events, and what they decided.
#[derive(Args)]
#[command(long_about = LONG, after_help = AFTER)]
pub(crate) struct Timeline {
    /// The delivery's id.
    delivery: Uuid,

    /// Search only this tenant.
    #[arg(long)]
    tenant: Option<String>,
}

struct Shown {
    delivery: Delivery,
    events: Vec<Event>,
    decisions: Vec<Decision>,
}

impl Timeline {
    pub(crate) fn run(self, database: &DatabaseOptions, output: &mut Output) -> Result<ExitCode, Failure> {
        let mut connection = database.connect_to_migrated()?;
        let shown = connection.run(|conn| self.read(conn))?;
        if output.is_json() {
            document(&shown, output)?
        } else {
            tables(&shown, output)?
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Reads all parts from one snapshot, so that they agree.
    fn read(&self, conn: &mut PgConnection) -> mailglass::Result<Shown> {
        let id = self.delivery;
        conn.build_transaction().repeatable_read().read_only().run(|conn| {
            let delivery: Delivery = mailglass_deliveries::table
                .find(id)
                .select(Delivery::as_select())
                .first(conn)
                .optional()?
                .filter(|delivery: &Delivery| self.tenant.as_ref().is_none_or(|tenant| delivery.tenant_id == *tenant))
                .ok_or(Error::NotFound { record: "delivery", id })?;
            Ok(Shown {
                events: delivery.timeline(conn)?,
                decisions: delivery.explain(conn)?,
                delivery,
            })
        })
    }
}

fn document(shown: &Shown, output: &mut Output) -> Result<(), Failure> {
    let decision = |decision: &Decision| {
        json!({
            "column": decision.column,
            "found": decision.found,
            "expected": decision.expected,
            "event_id": decision.event.as_ref().map(|event| event.id),
        })
    };
    output.document(&json!({
        "delivery": row(&shown.delivery),
        "events": shown.events.iter().map(row).collect::<Vec<_>>(),
        "decisions": shown.decisions.iter().map(decision).collect::<Vec<_>>(),
    }))
}

fn tables(shown: &Shown, output: &mut Output) -> Result<(), Failure> {
    let delivery = &shown.delivery;
    let facts: Vec<[Cell; 2]> = vec![
        ["id".into(), delivery.id.into()],
        ["tenant_id".into(), delivery.tenant_id.as_str().into()],
        ["mailable".into(), delivery.mailable.as_str().into()],
        ["stream".into(), delivery.stream.into()],
        ["recipient".into(), delivery.recipient.as_str().into()],
        ["provider".into(), or_empty(&delivery.provider)],
        ["provider_message_id".into(), or_empty(&delivery.provider_message_id)],
        ["idempotency_key".into(), or_empty(&delivery.idempotency_key)],
        ["metadata".into(), (&delivery.metadata).into()],
        ["last_error".into(), or_empty(&delivery.last_error)],
        ["lock_version".into(), delivery.lock_version.into()],
        ["inserted_at".into(), time(&delivery.inserted_at).into()],
        ["updated_at".into(), time(&delivery.updated_at).into()],
    ];
    output.table("Delivery", ["column", "value"], facts)?;
    let event = |event: &Event| {
        [
            time(&event.occurred_at).into(),
            event.type_.into(),
            or_empty(&event.reject_reason),
            or_empty(&event.idempotency_key),
            match event.delivery_id {
                Some(_) => "with the event".into(),
                None => "by the reconciler".into(),
            },
            event.id.into(),
        ]
    };
    let header = [
        "occurred_at",
        "type",
        "reject_reason",
        "idempotency_key",
        "linked",
        "id",
    ];
    output.table("Events", header, shown.events.iter().map(event).collect())?;
    let decision = |decision: &Decision| {
        // A row without events was inserted by hand, and no rebuild changes it.
        let is_wrong = decision.found != decision.expected && !shown.events.is_empty();
        let tone = if is_wrong { Tone::Bad } else { Tone::Neutral };
        [
            decision.column.into(),
            Cell::toned(decision.found.as_deref().unwrap_or_default(), tone),
            or_empty(&decision.expected),
            or_empty(&decision.event.as_ref().map(|event| event.type_)),
            or_empty(&decision.event.as_ref().map(|event| event.id)),
        ]
    };
    let header = ["column", "found", "expected", "because_of", "event"];
    output.table("Decisions", header, shown.decisions.iter().map(decision).collect())
}
