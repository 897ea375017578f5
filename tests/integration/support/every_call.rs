//! Every call of the library once, for tests that compare the results under different conditions.

use std::time::Duration;

use diesel::prelude::*;
use mailglass::ledger::{CheckpointOptions, RecordOptions, Renewal, checkpoint, renew_checkpoints, verify_checkpoints};
use mailglass::outbox::{self, ClaimOptions, RateLimit, Retry};
use mailglass::projection::{Projection, rebuild, rebuild_all, repair};
use mailglass::suppressions::{
    Added, ListOptions, NewSuppression, SoftBounces, Subject, Suppress, SuppressionRules, check,
};
use mailglass::tenancy::Tenants;
use mailglass::{
    Delivery, DeliveryChanges, EventDetails, EventType, NewDelivery, Result, Stream, SuppressionReason, ledger,
    privacy, projection, suppressions, tenancy,
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
    results.extend(suppressions(conn, &queued)?);
    let export = privacy::export(conn, TENANT, "ann@example.com")?;
    results.push(format!("{}", export.suppressions.len()));
    let events: Vec<usize> = export.deliveries.iter().map(|delivery| delivery.events.len()).collect();
    results.push(format!("{events:?}"));
    let erasure = privacy::erase(conn, TENANT, "ann@example.com")?.erasure;
    results.push(format!(
        "{} {} {}",
        erasure.deliveries, erasure.event_details, erasure.suppressions
    ));
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

fn suppressions(conn: &mut PgConnection, delivery: &Delivery) -> Result<Vec<String>> {
    let new = [
        NewSuppression::address(TENANT, "Ann@example.com", SuppressionReason::Complaint),
        NewSuppression::domain(TENANT, "example.org", SuppressionReason::Policy),
        NewSuppression::address_in_stream(TENANT, "bob@example.com", Stream::Bulk, SuppressionReason::Manual),
    ];
    let mut results = Vec::new();
    for _ in 0..2 {
        let added = suppressions::add(conn, &new)?;
        results.push(format!(
            "{:?}",
            added.iter().map(Added::is_unchanged).collect::<Vec<_>>()
        ));
    }
    let recipients = [
        "ANN@example.com",
        "cid@example.org",
        "bob@example.com",
        "eve@example.com",
    ];
    for stream in Stream::ALL {
        let found = check(conn, TENANT, *stream, &recipients)?;
        let reasons: Vec<_> = found.iter().map(|found| found.map(|found| found.reason)).collect();
        results.push(format!("{reasons:?}"));
    }
    let bob = Subject::AddressInStream("Bob@example.com".to_owned(), Stream::Bulk);
    results.push(format!("{}", suppressions::remove(conn, TENANT, &bob, None)?.len()));
    let soft = EventDetails {
        permanent: Some(false),
        ..EventDetails::default()
    };
    let options = RecordOptions {
        suppress: Some(SuppressionRules {
            soft_bounces: Some(SoftBounces {
                threshold: 1,
                window: Duration::from_secs(50 * 365 * 24 * 60 * 60),
                duration: Duration::from_secs(60),
            }),
            ..SuppressionRules::default()
        }),
    };
    let bounced = event(EventType::Bounced, 8).delivery(delivery.id).details(soft);
    ledger::record_with(conn, &[bounced], &options)?;
    let listed = suppressions::list(conn, &ListOptions::of_tenant(TENANT))?;
    let mut reasons: Vec<_> = listed.iter().map(|row| row.reason).collect();
    reasons.sort_unstable();
    results.push(format!("{reasons:?}"));
    outbox_calls(conn, &mut results)?;
    Ok(results)
}

/// The calls of the outbox, except `wait`, which needs a connection without a transaction.
fn outbox_calls(conn: &mut PgConnection, results: &mut Vec<String>) -> Result<()> {
    let new = to("fay@example.net").send().suppress(Suppress::Always);
    NewDelivery::insert_all(conn, &[new.clone(), new.clone(), new.clone(), new])?;
    let limit = Some(RateLimit {
        claims: 100,
        window: Duration::from_secs(7 * 24 * 60 * 60),
    });
    let options = ClaimOptions {
        limit: 1,
        ..ClaimOptions::all_tenants("worker")
    };
    let of_tenants = ClaimOptions {
        tenant_limit: limit,
        ..options.clone()
    };
    let of_domains = ClaimOptions {
        domain_limit: limit,
        suppress: Some(Suppress::ByStream),
        ..options.clone()
    };
    let claim = outbox::claim(conn, &options)?.remove(0);
    claim.extend(conn, Duration::from_secs(600))?;
    let sent = claim.begin(conn)?.sent(conn, "ses", "outbox-1")?;
    results.push(format!(
        "{} {:?}",
        sent.delivery().status,
        sent.delivery().provider_message_id
    ));
    let claim = outbox::claim(conn, &of_tenants)?.remove(0);
    claim.release(conn)?;
    let claim = outbox::claim(conn, &of_domains)?.remove(0);
    let retried = claim
        .begin(conn)?
        .retry(conn, json!({ "code": 503 }), Duration::from_secs(60))?;
    results.push(format!("{}", matches!(retried, Retry::Scheduled(_))));
    let claim = outbox::claim(conn, &options)?.remove(0);
    let id = claim.delivery().id;
    outbox::release(conn, TENANT, id)?;
    outbox::hold(conn, TENANT, id)?;
    results.push(format!("{}", outbox::held(conn, &Tenants::All, 10)?.len()));
    outbox::resend(conn, TENANT, id)?;
    let failed = outbox::claim(conn, &options)?.remove(0).failed(conn, json!({}))?;
    results.push(format!("{}", failed.status));
    let suppressed = outbox::claim(conn, &options)?.remove(0).suppressed(conn, None)?;
    results.push(format!("{}", suppressed.status));
    for status in outbox::status(conn, &Tenants::All)? {
        results.push(format!("{} {} {}", status.due, status.scheduled, status.leased));
    }
    Ok(())
}

fn projection_of(delivery: &Delivery) -> String {
    format!("{:?}", Projection::from(delivery))
}
