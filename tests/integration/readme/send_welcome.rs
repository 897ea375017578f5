use chrono::Utc;
use diesel::prelude::*;
use mailglass::ledger::Outcome;
use mailglass::reconciler::{SweepOptions, sweep};
use mailglass::{EventType, NewDelivery, NewEvent, Stream, ledger, migrations};

pub(super) fn send_welcome(conn: &mut PgConnection) -> mailglass::Result<()> {
    migrations::run(conn)?; // at startup, from any number of processes

    // Insert the delivery together with its first event. The idempotency key makes a retry safe.
    let delivery = NewDelivery::new("acme", "welcome", Stream::Transactional, "ann@example.com")
        .tenant_idempotency_key("welcome:42")
        .insert(conn)?
        .into_delivery();

    // Your mailer has handed the message to the provider.
    let delivery = delivery.mark_dispatched(conn, "postmark", "0a129aee", Utc::now())?;

    // Record a webhook. Providers send some of them twice: the second one is a replay and writes nothing.
    let delivered = NewEvent::new("acme", EventType::Delivered, Utc::now())
        .provider_message("postmark", "0a129aee")
        .tenant_idempotency_key("postmark:delivery:0a129aee");
    let outcomes = ledger::record_each(conn, &[delivered.clone(), delivered])?;
    assert!(matches!(outcomes[..], [Outcome::Recorded(_), Outcome::Replayed(_)]));

    // Every 30 seconds: link the events that arrived before their delivery.
    sweep(conn, &SweepOptions::all_tenants())?;

    assert_eq!(delivery.timeline(conn)?.len(), 3); // queued, dispatched, delivered
    Ok(())
}
