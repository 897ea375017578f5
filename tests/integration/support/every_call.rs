//! Every call of the library once, for tests that compare the results under different conditions.

use diesel::prelude::*;
use mailglass::ledger::{CheckpointOptions, Renewal, checkpoint, renew_checkpoints, verify_checkpoints};
use mailglass::projection::{Projection, rebuild, rebuild_all, repair};
use mailglass::{
    Delivery, DeliveryChanges, EventDetails, EventType, NewDelivery, Result, ledger, privacy, projection, tenancy,
};
use serde_json::json;
use test_support::{TENANT, at, eager, event, to};
use uuid::Uuid;

/// Makes each call of the library, and returns their results as text that is the same in every run.
pub fn every_call(conn: &mut PgConnection) -> Result<Vec<String>> {
    let mut results = Vec::new();
    let queued = to("ann@example.com")
        .idempotency_key("delivery-1")
        .insert(conn)?
        .into_delivery();
    let batch: [NewDelivery; 3] = [
        to("ann@example.com").idempotency_key("delivery-1"),
        to("Bob@example.com").provider("postmark").provider_message_id("m-2"),
        to("eve@example.com"),
    ];
    let inserted = NewDelivery::insert_all(conn, &batch)?;
    results.push(format!(
        "{:?}",
        inserted.iter().map(|row| row.is_replay()).collect::<Vec<_>>()
    ));
    results.push(format!("{}", inserted[0].delivery().id == queued.id));
    let (bob, eve) = (inserted[1].delivery(), inserted[2].delivery());

    let dispatched = queued.mark_dispatched(conn, "postmark", "m-1", at(1))?;
    let changes = DeliveryChanges {
        metadata: Some(json!({ "a": 1.5, "b": [null, "x"] })),
        ..DeliveryChanges::default()
    };
    let updated = dispatched.update(conn, &changes)?;
    results.push(projection_of(&updated));
    results.push(format!("{} {}", updated.lock_version, updated.metadata));
    results.push(format!(
        "{}",
        queued.update(conn, &changes).is_err_and(|error| error.is_stale_entry())
    ));
    results.push(projection_of(&eve.mark_failed(conn, json!({ "code": 406 }), at(1))?));
    let failed = Delivery::find(conn, TENANT, eve.id)?;
    results.push(format!(
        "{}",
        failed
            .mark_suppressed(conn, None, at(2))
            .is_err_and(|error| error.is_step_rejected())
    ));
    // An event arrives before its delivery has the message.
    ledger::record(conn, &[event(EventType::Opened, 2).provider_message("postmark", "m-0")])?;
    let suppressed = to("fay@example.com")
        .insert(conn)?
        .into_delivery()
        .mark_suppressed(conn, None, at(2))?;
    results.push(projection_of(&suppressed));
    let late = to("gil@example.com").insert(conn)?.into_delivery();
    results.push(projection_of(&late.mark_dispatched(conn, "postmark", "m-0", at(1))?));

    let events = [
        event(EventType::Delivered, 3)
            .delivery(queued.id)
            .idempotency_key("e-1"),
        event(EventType::Bounced, 2).delivery(queued.id).idempotency_key("e-2"),
        event(EventType::Opened, 4)
            .provider_message("postmark", "m-2")
            .recipient("bob@EXAMPLE.com"),
        event(EventType::Clicked, 5)
            .provider_message("postmark", "m-3")
            .metadata(json!({ "n": 1.25 })),
        event(EventType::Delivered, 3)
            .delivery(queued.id)
            .idempotency_key("e-1"),
    ];
    for _ in 0..2 {
        let recorded = ledger::record(conn, &events)?;
        results.push(format!(
            "{:?}",
            recorded.iter().map(|row| row.is_replay()).collect::<Vec<_>>()
        ));
    }
    let conflicting = event(EventType::Opened, 3).delivery(queued.id).idempotency_key("e-1");
    results
        .push(ledger::record(conn, &[conflicting]).map_or_else(|error| error.to_string(), |_| "accepted".to_owned()));
    let appended = ledger::append(conn, &[event(EventType::Unsubscribed, 6).delivery(bob.id)])?;
    results.push(format!("{:?}", appended[0].event().needs_reconciliation));

    // There are two orphans. This inserts the delivery of one.
    to("cid@example.com")
        .provider("postmark")
        .provider_message_id("m-3")
        .insert(conn)?;
    let swept = mailglass::reconciler::sweep(conn, &eager())?;
    results.push(format!(
        "{} {} {}",
        swept.linked,
        swept.waiting,
        swept.linked_events.len()
    ));

    let found = tenancy::scoped(conn, TENANT, |conn| Delivery::find(conn, TENANT, queued.id))?;
    results.push(projection_of(&found));
    let types: Vec<_> = found.timeline(conn)?.iter().map(|event| event.type_).collect();
    results.push(format!("{types:?}"));
    for decision in found.explain(conn)? {
        results.push(format!(
            "{} {:?} {:?}",
            decision.column, decision.found, decision.expected
        ));
    }
    results.push(format!("{}", projection::verify(conn, TENANT)?.len()));
    results.push(format!("{}", repair(conn, TENANT)?));
    diesel::sql_query("UPDATE mailglass_deliveries SET terminal = false, bounced_at = NULL").execute(conn)?;
    results.push(format!("{}", projection::verify(conn, TENANT)?.len()));
    results.push(projection_of(&rebuild(conn, TENANT, queued.id)?));
    results.push(format!("{}", repair(conn, TENANT)?));
    results.push(format!("{}", rebuild_all(conn, TENANT)?));
    results.push(format!("{:?}", Delivery::find(conn, TENANT, Uuid::nil()).is_err()));

    let details = EventDetails {
        user_agent: Some("Mozilla/5.0".to_owned()),
        ..EventDetails::default()
    };
    let clicked = event(EventType::Clicked, 7).delivery(queued.id).details(details);
    let clicked = ledger::record(conn, &[clicked])?;
    results.push(format!("{}", clicked[0].event().details(conn)?.user_agent.is_some()));
    let export = privacy::export(conn, TENANT, "ann@example.com")?;
    let events: Vec<usize> = export.deliveries.iter().map(|delivery| delivery.events.len()).collect();
    results.push(format!("{events:?}"));
    let erasure = privacy::erase(conn, TENANT, "ann@example.com")?.erasure;
    results.push(format!("{} {}", erasure.deliveries, erasure.event_details));
    let sealed = checkpoint(conn, TENANT, None, &CheckpointOptions::default())?.into_checkpoint()?;
    results.push(format!("{}", sealed.events()));
    results.push(format!(
        "{}",
        verify_checkpoints(conn, TENANT, std::slice::from_ref(&sealed))?.is_ok()
    ));
    // A cut that has removed nothing.
    let renewal = renew_checkpoints(conn, TENANT, &[sealed], "mailglass_events")?;
    results.push(format!("{}", matches!(renewal, Renewal::Renewed(_))));
    Ok(results)
}

fn projection_of(delivery: &Delivery) -> String {
    format!("{:?}", Projection::from(delivery))
}
