//! How the quickstart shows what it read back.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use comfy_table::{ContentArrangement, Table, presets};
use mailglass::ledger::Outcome;
use mailglass::{Delivery, Event};
use uuid::Uuid;

pub(crate) fn chapter(number: u32, title: &str, what: &str) {
    println!("\n{number}. {title}\n   {what}\n");
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    table
}

fn time(time: DateTime<Utc>) -> String {
    time.format("%H:%M:%S").to_string()
}

fn optional_time(at: Option<DateTime<Utc>>) -> String {
    at.map(time).unwrap_or_else(|| "·".to_owned())
}

fn text(value: &serde_json::Value) -> &str {
    value.as_str().unwrap_or("·")
}

pub(crate) fn appended(answers: &[(String, Outcome)], deliveries: &[Delivery]) {
    let recipients: HashMap<Uuid, &str> = deliveries.iter().map(|it| (it.id, it.recipient.as_str())).collect();
    let mut table = table(["request", "event", "occurred", "outcome", "delivery"]);
    for (request, answer) in answers {
        let (event, outcome) = match answer {
            Outcome::Recorded(event) => (event, "recorded"),
            Outcome::Replayed(event) => (event, "replay, nothing written"),
            // Another tenant's, of which nothing is told.
            Outcome::Conflicting { event: None, .. } => continue,
            Outcome::Conflicting { event: Some(event), .. } => (event, "conflicts with this one"),
        };
        let delivery = match event.delivery_id.and_then(|id| recipients.get(&id)) {
            Some(recipient) => (*recipient).to_owned(),
            None => format!("none yet for {}: waits", text(&event.metadata["recipient"])),
        };
        table.add_row([
            request.as_str(),
            event.type_.as_str(),
            &time(event.occurred_at),
            outcome,
            &delivery,
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
    for it in deliveries {
        table.add_row([
            it.recipient.as_str(),
            it.status.as_str(),
            it.last_event_type.as_str(),
            &time(it.last_event_at),
            &optional_time(it.dispatched_at),
            &optional_time(it.delivered_at),
            &optional_time(it.bounced_at),
            &optional_time(it.complained_at),
            if it.terminal { "yes" } else { "no" },
        ]);
    }
    println!("{table}");
}

pub(crate) fn timeline(events: &[Event]) {
    let mut table = table([
        "occurred",
        "event",
        "idempotency key",
        "how it got here",
        "what the provider said",
    ]);
    for event in events {
        let said = ["mta_response", "click_url", "user_agent"].map(|key| text(&event.normalized_payload[key]));
        let key = event.idempotency_key.as_deref().unwrap_or("·");
        table.add_row([
            event.occurred_at.format("%H:%M:%S%.6f").to_string(),
            event.type_.to_string(),
            if key.len() > 30 {
                format!("{:.29}…", key)
            } else {
                key.to_owned()
            },
            if event.needs_reconciliation {
                "early, linked later"
            } else {
                "at once"
            }
            .to_owned(),
            said.into_iter().find(|it| *it != "·").unwrap_or("·").to_owned(),
        ]);
    }
    println!("{table}");
}
