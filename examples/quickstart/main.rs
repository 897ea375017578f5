//! A tour of mailglass on a real PostgreSQL: `cargo run --example quickstart`.
//!
//! It uses the server of `DATABASE_URL` in a schema of its own, or else a throwaway server. Everything that it prints about
//! deliveries and events, it has read from the database.

mod contract;
mod own_schema;
mod requests;
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
            tour(&mut conn)?;
            println!(
                "\nThe schema {} remains for you to look at. The next run replaces it.",
                own_schema::NAME
            );
        }
        _ => {
            let server = Server::start()?;
            println!(
                "PostgreSQL {} on a throwaway server. Set DATABASE_URL to use your own.",
                server.version()
            );
            let database = server.database()?;
            tour(&mut PgConnection::establish(database.url())?)?;
        }
    }
    Ok(())
}

fn tour(conn: &mut PgConnection) -> Result<(), Failure> {
    let applied = migrations::run(conn)?;
    println!("Applied {} migrations.", applied.len());

    insert_deliveries(conn)?;
    record_webhooks(conn)?;
    link_early_events(conn)?;
    show_projections(conn)?;
    provoke_errors(conn)?;
    contract::show(conn)?;
    Ok(())
}

fn insert_deliveries(conn: &mut PgConnection) -> Result<(), Failure> {
    show::chapter(
        1,
        "Insert deliveries",
        "Insert seven deliveries, each with its first event. Then repeat the call, as after a crash.",
    );
    let batch = [
        new(101, "welcome", Stream::Transactional, "ann@example.com"),
        new(102, "newsletter", Stream::Bulk, "bob@example.org"),
        new(103, "newsletter", Stream::Bulk, "cleo@example.net"),
        new(104, "receipt", Stream::Transactional, "dan@example.com"),
        new(105, "receipt", Stream::Transactional, "eve@example.org"),
        new(106, "receipt", Stream::Transactional, "fay@example.com"),
        new(107, "receipt", Stream::Transactional, "gil@example.net"),
    ];
    for call in ["First call", "Second call"] {
        let inserted = NewDelivery::insert_all(conn, &batch)?;
        let replays = inserted.iter().filter(|inserted| inserted.is_replay()).count();
        println!("   {call}: {} created, {replays} replayed.", inserted.len() - replays);
    }
    let rows: i64 = mailglass_deliveries::table.count().get_result(conn)?;
    println!("   mailglass_deliveries has {rows} rows.\n");

    // The worker that sends Fay's receipt is slow: Postmark reports about it before its message id is stored.
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
    dispatch(
        conn,
        "gil@example.net",
        "postmark",
        "c2d0f1e4-58b3-4c0e-9a64-0f7be8a3d915",
    )?;
    Ok(())
}

fn record_webhooks(conn: &mut PgConnection) -> Result<(), Failure> {
    show::chapter(
        2,
        "Record webhooks",
        "The providers' requests as they arrive: some events twice, some out of order, one too early.",
    );
    let mut answers: Vec<(String, Outcome)> = Vec::new();
    for (request, events) in requests::all(TENANT)? {
        // One request is one batch, in which each event has its own outcome.
        let outcomes = ledger::record_each(conn, &events)?;
        answers.extend(outcomes.into_iter().map(|outcome| (request.clone(), outcome)));
    }
    show::outcomes(&answers, &deliveries(conn)?);
    println!("   Eve's bounce is hard (`permanent` is true): her address does not work, so suppress it.");
    println!("   Gil's bounce is soft: Postmark gave up on this message, but his address is good.");
    let rows: i64 = mailglass_events::table.count().get_result(conn)?;
    println!("   mailglass_events has {rows} rows, including those of chapter 1.");
    Ok(())
}

fn link_early_events(conn: &mut PgConnection) -> Result<(), Failure> {
    show::chapter(
        3,
        "Link early events",
        "Postmark reported about Fay's receipt before its message id was stored. Storing it links the event.",
    );
    let now = SweepOptions {
        grace: Duration::ZERO,
        ..SweepOptions::all_tenants()
    };
    report("First sweep", sweep(conn, &now)?);
    dispatch(
        conn,
        "fay@example.com",
        "postmark",
        "b7bc2f4a-e38e-4336-af7d-e6c392c2f817",
    )?;
    report("Second sweep", sweep(conn, &now)?);
    Ok(())
}

fn report(which: &str, report: SweepReport) {
    let SweepReport {
        linked,
        waiting,
        ambiguous,
        expired,
        failed,
        ..
    } = report;
    println!(
        "   {which}: {linked} linked, {waiting} waiting, {ambiguous} ambiguous, {expired} expired, {} failed.",
        failed.len()
    );
}

fn show_projections(conn: &mut PgConnection) -> Result<(), Failure> {
    show::chapter(
        4,
        "Projections",
        "The deliveries. Everything right of the recipient is computed from the events. Times are UTC.",
    );
    show::deliveries(&deliveries(conn)?);
    let corrected = projection::rebuild_all(conn, TENANT)?;
    println!("   Recomputed all projections from the ledger: {corrected} differed.");

    show::chapter(
        5,
        "A timeline",
        "Fay's events. The last one was recorded before her message id was stored, and linked later.",
    );
    let fay = find(conn, "fay@example.com")?;
    let mut events = Vec::new();
    for event in fay.timeline(conn)? {
        let details = event.details(conn)?;
        events.push((event, details));
    }
    show::timeline(&events);
    Ok(())
}

fn provoke_errors(conn: &mut PgConnection) -> Result<(), Failure> {
    show::chapter(6, "Errors", "Each mistake is a variant of mailglass::Error.");
    let rewritten = diesel::update(mailglass_events::table)
        .set(mailglass_events::trace_id.eq("rewritten"))
        .execute(conn)
        .map_err(mailglass::Error::from);
    expect_error("Update an event", mailglass::Error::is_ledger_immutable, rewritten)?;

    let copy = find(conn, "bob@example.org")?;
    let changes = DeliveryChanges {
        metadata: Some(json!({ "note": "seen" })),
        ..DeliveryChanges::default()
    };
    copy.update(conn, &changes)?;
    let stale = copy.update(conn, &changes);
    expect_error(
        "Update a delivery from a stale copy",
        mailglass::Error::is_stale_entry,
        stale,
    )?;

    let invalid = NewDelivery::from_attrs(json!({ "tenant_id": "", "stream": "spam", "recipient": "hal@", "cc": "x" }));
    expect_error(
        "Parse a delivery from invalid JSON",
        mailglass::Error::is_invalid,
        invalid,
    )
}

fn expect_error<T>(
    attempt: &str,
    is_expected: fn(&mailglass::Error) -> bool,
    outcome: mailglass::Result<T>,
) -> Result<(), Failure> {
    let error = match outcome {
        Err(error) if is_expected(&error) => error,
        Err(error) => return Err(error.into()),
        Ok(_) => return Err(format!("{attempt}: this should have been an error").into()),
    };
    println!("   {attempt}:");
    if let mailglass::Error::Invalid(invalid) = error {
        for field in invalid.fields() {
            println!("      {field}");
        }
    } else {
        println!("      {error}");
    }
    Ok(())
}

fn at_ten(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_772_445_600 + seconds)
}

/// The key has the application's number of the customer, because an address could not be erased from it.
fn new(customer: u32, mailable: &str, stream: Stream, recipient: &str) -> NewDelivery {
    NewDelivery::new(TENANT, mailable, stream, recipient)
        .tenant_idempotency_key(format!("{mailable}:{customer}"))
        .first_event(EventType::Queued, at_ten(0))
}

fn dispatch(conn: &mut PgConnection, recipient: &str, provider: &str, message_id: &str) -> Result<(), Failure> {
    let queued = find(conn, recipient)?;
    let dispatched = queued.mark_dispatched(conn, provider, message_id, at_ten(2))?;
    println!(
        "   {recipient}: handed to {provider}, {} -> {}.",
        queued.status, dispatched.status
    );
    Ok(())
}

fn deliveries(conn: &mut PgConnection) -> Result<Vec<Delivery>, Failure> {
    let deliveries = mailglass_deliveries::table
        .filter(mailglass_deliveries::tenant_id.eq(TENANT))
        .order(mailglass_deliveries::recipient)
        .select(Delivery::as_select())
        .load(conn)?;
    Ok(deliveries)
}

fn find(conn: &mut PgConnection, recipient: &str) -> Result<Delivery, Failure> {
    let delivery = mailglass_deliveries::table
        .filter(mailglass_deliveries::tenant_id.eq(TENANT))
        .filter(mailglass_deliveries::recipient.eq(recipient))
        .select(Delivery::as_select())
        .first(conn)?;
    Ok(delivery)
}
