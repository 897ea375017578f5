//! Compares the database with the provider's books.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use fake_provider::{Fate, Message};
use mailglass::schema::{mailglass_deliveries, mailglass_event_links, mailglass_events};
use mailglass::tenancy::Tenants;
use mailglass::{Delivery, DeliveryStatus, outbox, projection};

use crate::Failure;
use crate::deliveries::TENANTS;
use crate::report::Run;

/// A promise, and what contradicts it.
pub(crate) struct Promise {
    pub(crate) text: &'static str,
    pub(crate) violations: Vec<String>,
}

pub(crate) fn all(conn: &mut PgConnection, run: &Run) -> Result<Vec<Promise>, Failure> {
    let deliveries: Vec<Delivery> = mailglass_deliveries::table.select(Delivery::as_select()).load(conn)?;
    let mut messages: HashMap<&str, Vec<&Message>> = HashMap::new();
    for message in &run.books.messages {
        messages.entry(&message.to).or_default().push(message);
    }
    let sent_to = |delivery: &Delivery| messages.get(delivery.recipient.as_str()).map_or(&[][..], Vec::as_slice);
    let wrong = |is_right: &dyn Fn(&Delivery) -> bool| {
        let wrong = deliveries.iter().filter(|delivery| !is_right(delivery));
        wrong.map(|delivery| format!("{delivery:?}")).collect::<Vec<_>>()
    };

    let mut ended = wrong(&|delivery| delivery.terminal);
    if deliveries.len() != run.deliveries {
        ended.push(format!("there are {} deliveries", deliveries.len()));
    }
    ended.extend(
        outbox::status(conn, &Tenants::All)?
            .iter()
            .map(|queue| format!("{queue:?}")),
    );

    let mut once = wrong(&|delivery| {
        let expected = usize::from(Fate::of(&delivery.recipient) != Fate::Refused);
        sent_to(delivery).len() == expected
    });
    let recipients: HashSet<&str> = deliveries.iter().map(|delivery| delivery.recipient.as_str()).collect();
    let strangers = messages.keys().filter(|to| !recipients.contains(*to));
    once.extend(strangers.map(|to| format!("a message to {to}, who has no delivery")));

    // A delivery that a webhook resolved has no id of its own.
    let same_id = wrong(&|delivery| {
        let id = sent_to(delivery).first().map(|message| message.id.as_str());
        delivery.provider_message_id.is_none() || delivery.provider_message_id.as_deref() == id
    });

    let same_fate = wrong(&|delivery| match Fate::of(&delivery.recipient) {
        Fate::Delivered => delivery.delivered_at.is_some() && delivery.status == DeliveryStatus::Sent,
        Fate::Complaint => delivery.complained_at.is_some() && delivery.status == DeliveryStatus::Sent,
        Fate::HardBounce | Fate::SoftBounce => {
            delivery.bounced_at.is_some() && delivery.status == DeliveryStatus::Failed
        }
        Fate::Refused => delivery.dispatched_at.is_none() && delivery.status == DeliveryStatus::Failed,
    });

    let recorded: i64 = mailglass_events::table
        .filter(mailglass_events::idempotency_key.like("%fake:%"))
        .count()
        .get_result(conn)?;
    let mut in_ledger = Vec::new();
    if usize::try_from(recorded)? != run.books.events {
        in_ledger.push(format!("{recorded} of {} events", run.books.events));
    }
    let waiting: i64 = mailglass_event_links::table
        .filter(mailglass_event_links::linked_at.is_null())
        .count()
        .get_result(conn)?;
    if waiting > 0 {
        in_ledger.push(format!("{waiting} events wait for their delivery"));
    }

    let mut projected = Vec::new();
    for tenant in TENANTS {
        projected.extend(
            projection::verify(conn, tenant)?
                .iter()
                .map(|divergence| format!("{divergence:?}")),
        );
    }

    // A run without kills and faults would prove nothing.
    let mut tried = Vec::new();
    if run.deliveries >= 100 {
        for (what, count) in [
            ("worker was killed", run.kills),
            ("attempt had an unknown outcome", run.tally.unknown.len() + run.resolved),
            ("request was repeated", run.books.repeated_requests),
            ("webhook was repeated", run.received.replays),
            ("webhook was early", run.received.early),
        ] {
            if count == 0 {
                tried.push(format!("no {what}"));
            }
        }
    }

    let promise = |text, violations| Promise { text, violations };
    Ok(vec![
        promise("Every delivery ended, and the outbox is empty.", ended),
        promise(
            "The provider's books: each recipient got one message, and the refused ones none.",
            once,
        ),
        promise("No delivery has the id of another message.", same_id),
        promise("Each delivery shows what became of its message.", same_fate),
        promise(
            "Each event of the provider is in the ledger once, and has its delivery.",
            in_ledger,
        ),
        promise("A recomputation from the ledger gives the same statuses.", projected),
        promise("Everything went wrong at least once.", tried),
    ])
}
