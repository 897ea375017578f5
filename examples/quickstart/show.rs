//! The quickstart's output.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use comfy_table::{ContentArrangement, Table, presets};
use mailglass::ledger::Outcome;
use mailglass::{Delivery, Event, EventDetails};
use uuid::Uuid;

pub(crate) fn chapter(number: u32, title: &str, summary: &str) {
    println!("\n{number}. {title}\n   {summary}\n");
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    table
}

/// Stands for a value that is not there.
const NONE: &str = "·";

fn time(time: DateTime<Utc>) -> String {
    time.format("%H:%M:%S").to_string()
}

fn optional_time(at: Option<DateTime<Utc>>) -> String {
    at.map_or_else(|| NONE.to_owned(), time)
}

/// The answers of `record_each`, each with the request that the event was in.
pub(crate) fn outcomes(answers: &[(String, Outcome)], deliveries: &[Delivery]) {
    let recipients: HashMap<Uuid, &str> = deliveries
        .iter()
        .map(|delivery| (delivery.id, delivery.recipient.as_str()))
        .collect();
    let mut table = table(["request", "event", "reason", "occurred", "outcome", "delivery to"]);
    for (request, answer) in answers {
        let (event, outcome) = match answer {
            Outcome::Recorded(event) => (event, "recorded"),
            Outcome::Replayed(event) => (event, "replay: nothing written"),
            // Another tenant has the key. The answer does not reveal its event.
            Outcome::Conflicting { event: None, .. } => continue,
            Outcome::Conflicting { event: Some(event), .. } => (event, "conflict: nothing written"),
        };
        let recipient = event.delivery_id.and_then(|id| recipients.get(&id));
        table.add_row([
            request.as_str(),
            event.type_.as_str(),
            event.reject_reason.map_or(NONE, |reason| reason.as_str()),
            &time(event.occurred_at),
            outcome,
            recipient.unwrap_or(&"not found: the event waits"),
        ]);
    }
    println!("{table}");
}

pub(crate) fn deliveries(deliveries: &[Delivery]) {
    let mut table = table([
        "recipient",
        "status",
        "last event",
        "at",
        "dispatched",
        "delivered",
        "bounced",
        "complained",
        "terminal",
    ]);
    for delivery in deliveries {
        table.add_row([
            delivery.recipient.as_str(),
            delivery.status.as_str(),
            delivery.last_event_type.as_str(),
            &time(delivery.last_event_at),
            &optional_time(delivery.dispatched_at),
            &optional_time(delivery.delivered_at),
            &optional_time(delivery.bounced_at),
            &optional_time(delivery.complained_at),
            if delivery.terminal { "yes" } else { "no" },
        ]);
    }
    println!("{table}");
}

pub(crate) fn timeline(events: &[(Event, EventDetails)]) {
    let mut table = table([
        "occurred",
        "event",
        "idempotency key",
        "linked",
        "the receiving server's answer",
    ]);
    for (event, details) in events {
        let key = event.idempotency_key.as_deref().unwrap_or(NONE);
        table.add_row([
            event.occurred_at.format("%H:%M:%S%.6f").to_string(),
            event.type_.to_string(),
            if key.len() > 30 {
                format!("{key:.29}…")
            } else {
                key.to_owned()
            },
            if event.needs_reconciliation {
                "after it was recorded"
            } else {
                "when recorded"
            }
            .to_owned(),
            details.mta_response.clone().unwrap_or_else(|| NONE.to_owned()),
        ]);
    }
    println!("{table}");
}
