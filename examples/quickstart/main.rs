//! Mailglass's main job on a real PostgreSQL, in one run: `cargo run --example quickstart`.
//!
//! It uses `DATABASE_URL` where that is set (in a schema of its own), else a throwaway server. What it prints, it has read
//! back from the database.

mod contract;
mod own_schema;
mod postmark;
mod requests;
mod sendgrid;
mod show;

use std::env;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use mailglass::ledger::Outcome;
use mailglass::reconciler::{SweepOptions, SweepReport, sweep};
use mailglass::schema::{mailglass_deliveries, mailglass_events};
use mailglass::{Delivery, DeliveryChanges, EventType, NewDelivery, Stream, ledger, migrations, projection};
use scratch_postgres::Server;
use serde_json::json;

type Failure = Box<dyn std::error::Error>;

const TENANT: &str = "acme";

fn main() -> Result<(), Failure> {
    match env::var("DATABASE_URL") {
        Ok(url) if !url.is_empty() => {
            let mut conn = PgConnection::establish(&url)?;
            own_schema::enter(&mut conn)?;
            story(&mut conn)?;
            println!(
                "\nIt is all still there: SET search_path = {}; the next run drops it.",
                own_schema::NAME
            );
        }
        _ => {
            let server = Server::start()?;
            println!(
                "PostgreSQL {}, thrown away at the end. (Set DATABASE_URL to use your own.)",
                server.version()
            );
            let database = server.database()?;
            story(&mut PgConnection::establish(database.url())?)?;
        }
    }
    Ok(())
}

fn story(conn: &mut PgConnection) -> Result<(), Failure> {
    let applied = migrations::run(conn)?;
    println!("Migrations applied: {}.", applied.join(", "));

    enqueue(conn)?;
    webhooks(conn)?;
    reconcile(conn)?;
    look(conn)?;
    guard(conn)?;
    contract::show(conn)?;
    Ok(())
}

fn enqueue(conn: &mut PgConnection) -> Result<(), Failure> {
    show::chapter(
        1,
        "Enqueue",
        "Six deliveries, each born with its first event; once more, as after a crash.",
    );
    let batch = [
        new("welcome", Stream::Transactional, "ann@example.com"),
        new("newsletter", Stream::Bulk, "bob@example.org"),
        new("newsletter", Stream::Bulk, "cleo@example.net"),
        new("receipt", Stream::Transactional, "dan@example.com"),
        new("receipt", Stream::Transactional, "eve@example.org"),
        new("receipt", Stream::Transactional, "fay@example.com"),
    ];
    for attempt in ["first attempt", "second attempt"] {
        let inserted = NewDelivery::insert_all(conn, &batch)?;
        let replays = inserted.iter().filter(|it| it.is_replay()).count();
        println!("   {attempt}: {} created, {replays} replayed", inserted.len() - replays);
    }
    let rows: i64 = mailglass_deliveries::table.count().get_result(conn)?;
    println!("   in the table: {rows}");

    // Fay's worker is slow: her provider will report before our own row knows the message id.
    dispatch(conn, "ann@example.com", "sendgrid", "14c5d75ce93")?;
    dispatch(conn, "bob@example.org", "sendgrid", "9f1be02c7a4")?;
    dispatch(conn, "cleo@example.net", "sendgrid", "9f1be02c7a4")?;
    dispatch(
        conn,
        "dan@example.com",
        "postmark",
        "0a129aee-e1cd-480d-b08d-4f48548ff48d",
    )?;
    dispatch(
        conn,
        "eve@example.org",
        "postmark",
        "883953f4-6105-42a2-a16a-77a8eac79483",
    )?;
    Ok(())
}

fn webhooks(conn: &mut PgConnection) -> Result<(), Failure> {
    show::chapter(
        2,
        "Webhooks",
        "As the providers sent them: twice, out of order, and one before its time.",
    );
    let mut answers: Vec<(String, Outcome)> = Vec::new();
    for (name, events) in requests::all(TENANT)? {
        // One request is one batch, in which each event has its own outcome.
        let outcomes = ledger::record_each(conn, &events)?;
        answers.extend(outcomes.into_iter().map(|outcome| (name.clone(), outcome)));
    }
    show::appended(&answers, &deliveries(conn)?);
    let landed: i64 = mailglass_events::table.count().get_result(conn)?;
    println!("   in the ledger: {landed}, the first events and dispatches included");
    Ok(())
}

fn reconcile(conn: &mut PgConnection) -> Result<(), Failure> {
    show::chapter(
        3,
        "Reconcile",
        "Fay's delivery was reported before her row knew the message id.",
    );
    let now = SweepOptions {
        grace: Duration::ZERO,
        ..SweepOptions::default()
    };
    report("before her dispatch is written down", sweep(conn, &now)?);
    dispatch(
        conn,
        "fay@example.com",
        "postmark",
        "b7bc2f4a-e38e-4336-af7d-e6c392c2f817",
    )?;
    report("after", sweep(conn, &now)?);
    report("once more", sweep(conn, &now)?);
    Ok(())
}

fn report(when: &str, report: SweepReport) {
    let SweepReport {
        linked,
        waiting,
        ambiguous,
        expired,
        failed,
    } = report;
    println!(
        "   {when}: {linked} linked, {waiting} waiting, {ambiguous} ambiguous, {expired} expired, {} failed",
        failed.len()
    );
}

fn look(conn: &mut PgConnection) -> Result<(), Failure> {
    show::chapter(
        4,
        "Deliveries",
        "The projection: a pure function of each delivery's events. Times are UTC.",
    );
    show::deliveries(&deliveries(conn)?);

    let fay = find(conn, "fay@example.com")?;
    show::chapter(
        5,
        "A timeline",
        "Fay's, with the event that came early and was linked later.",
    );
    show::timeline(&fay.timeline(conn)?);

    let corrected = projection::rebuild_all(conn, TENANT)?;
    println!("   Rebuilt all projections from the ledger: {corrected} had to be corrected.");
    Ok(())
}

fn guard(conn: &mut PgConnection) -> Result<(), Failure> {
    show::chapter(6, "What is refused", "Typed errors, for your match.");
    let rewritten = diesel::update(mailglass_events::table)
        .set(mailglass_events::trace_id.eq("rewritten"))
        .execute(conn)
        .map_err(mailglass::Error::from);
    refused("UPDATE mailglass_events", rewritten)?;

    let copy = find(conn, "bob@example.org")?;
    let changes = DeliveryChanges {
        metadata: Some(json!({ "note": "seen" })),
        ..DeliveryChanges::default()
    };
    let updated = copy.update(conn, &changes)?;
    println!(
        "   Updated Bob's delivery: {}, lock_version {}.",
        updated.metadata, updated.lock_version
    );
    refused("The same update from the old copy", copy.update(conn, &changes))?;

    let wrong = NewDelivery::from_attrs(json!({ "tenant_id": "", "stream": "spam", "recipient": "gil@", "cc": "x" }));
    refused("A delivery from bad attributes", wrong)
}

fn refused<T>(what: &str, outcome: mailglass::Result<T>) -> Result<(), Failure> {
    match outcome {
        Err(mailglass::Error::Invalid(invalid)) => {
            println!("   {what}: Invalid");
            invalid.fields().iter().for_each(|wrong| println!("      {wrong}"));
            Ok(())
        }
        Err(error) => {
            println!(
                "   {what}: {error:?}
      {error}"
            );
            Ok(())
        }
        Ok(_) => Err(format!("{what} should have been refused").into()),
    }
}

fn at_ten(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_772_445_600 + seconds)
}

fn new(mailable: &str, stream: Stream, recipient: &str) -> NewDelivery {
    NewDelivery::new(TENANT, mailable, stream, recipient)
        .idempotency_key(format!("{TENANT}:{mailable}:47:{recipient}"))
        .first_event(EventType::Queued, at_ten(0))
}

fn dispatch(conn: &mut PgConnection, recipient: &str, provider: &str, message_id: &str) -> Result<(), Failure> {
    let queued = find(conn, recipient)?;
    let dispatched = queued.mark_dispatched(conn, provider, message_id, at_ten(2))?;
    println!(
        "   {} handed to {provider}: now {}",
        dispatched.recipient, dispatched.status
    );
    Ok(())
}

fn deliveries(conn: &mut PgConnection) -> Result<Vec<Delivery>, Failure> {
    let ours = mailglass_deliveries::table.filter(mailglass_deliveries::tenant_id.eq(TENANT));
    Ok(ours
        .order(mailglass_deliveries::recipient)
        .select(Delivery::as_select())
        .load(conn)?)
}

fn find(conn: &mut PgConnection, recipient: &str) -> Result<Delivery, Failure> {
    let ours = mailglass_deliveries::table.filter(mailglass_deliveries::tenant_id.eq(TENANT));
    Ok(ours
        .filter(mailglass_deliveries::recipient.eq(recipient))
        .select(Delivery::as_select())
        .first(conn)?)
}
