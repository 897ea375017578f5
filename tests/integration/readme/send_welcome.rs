use diesel::prelude::*;
use mailglass::ledger::Outcome;
use mailglass::reconciler::{SweepOptions, sweep};
use mailglass::{EventType, NewDelivery, NewEvent, Stream, ledger};

pub(super) fn main_job(conn: &mut PgConnection) -> mailglass::Result<()> {
    mailglass::migrations::run(conn)?; // at start, from as many processes as you like

    // Enqueue. The row and its first event are one step, and the key makes it safe to repeat.
    let delivery = NewDelivery::new("acme", "welcome", Stream::Transactional, "ann@example.com")
        .idempotency_key("acme:welcome:42")
        .insert(conn)?
        .into_delivery();

    // Your mailer handed the message over.
    let delivery = delivery.mark_dispatched(conn, "postmark", "0a129aee", chrono::Utc::now())?;

    // A webhook, and the same one again: the second is a replay and writes nothing. Each event has its own outcome, so one
    // that conflicts with what its key already holds does not make the provider send the whole request for days.
    let delivered = NewEvent::new("acme", EventType::Delivered, chrono::Utc::now())
        .provider_message("postmark", "0a129aee")
        .idempotency_key("postmark:delivery:0a129aee");
    let outcomes = ledger::record_each(conn, &[delivered.clone(), delivered])?;
    assert!(matches!(outcomes[..], [Outcome::Recorded(_), Outcome::Replayed(_)]));

    sweep(conn, &SweepOptions::default())?; // every half minute: links what arrived before its delivery

    assert_eq!(delivery.timeline(conn)?.len(), 3); // queued, dispatched, delivered
    Ok(())
}
