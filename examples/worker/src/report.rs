//! What the supervisor prints.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use fake_provider::{Books, Provider};
use mailglass::Stream;
use mailglass::schema::{mailglass_deliveries, mailglass_event_links};
use scratch_postgres::Server;

use crate::check::Promise;
use crate::tally::Tally;
use crate::webhooks::Received;
use crate::{Failure, Options};

/// What happened in a run.
pub(crate) struct Run {
    pub(crate) deliveries: usize,
    pub(crate) time: Duration,
    pub(crate) tally: Tally,
    pub(crate) kills: usize,
    pub(crate) books: Books,
    pub(crate) received: Received,
    /// Events that the sweep at the end linked.
    pub(crate) swept: i64,
    /// Deliveries whose attempt ended without an answer, and which a webhook resolved before the next attempt.
    pub(crate) resolved: usize,
}

pub(crate) fn introduce(options: &Options, server: &Server, provider: &Provider) {
    println!(
        "{} deliveries of 2 tenants in 3 streams, and {} worker processes that are killed at random.",
        options.deliveries, options.workers
    );
    println!(
        "PostgreSQL {} on a throwaway server, the provider at {}. The seed is {}.\n",
        server.version(),
        provider.url(),
        options.seed
    );
}

pub(crate) fn progress(time: Duration, deliveries: usize, open: usize, kills: usize) {
    let ended = deliveries.saturating_sub(open);
    println!(
        "{:7.1} s {ended:8} ended {open:8} open {kills:8} workers killed",
        time.as_secs_f64()
    );
}

pub(crate) fn summarize(conn: &mut PgConnection, run: &Run) -> Result<(), Failure> {
    let Run {
        tally, books, received, ..
    } = run;
    println!("\nAfter {:.1} s", run.time.as_secs_f64());
    let line = |what: &str, count: usize, more: &str| println!("{count:8}  {what:<44} {more}");

    line(
        "deliveries",
        run.deliveries,
        &format!(
            "{} sent, {} refused by the provider",
            books.messages.len(),
            run.deliveries.saturating_sub(books.messages.len())
        ),
    );
    for (stream, half, last) in waiting_times(conn)? {
        println!("            {stream:<43} half within {half:.1} s, all within {last:.1} s");
    }
    line("workers killed", run.kills, "SIGKILL, at any point");
    line("stalls of a worker", tally.stalls, "longer than its lease");
    line(
        "leases lost",
        tally.lost_leases,
        "a worker learned that another one had its delivery",
    );
    line("retries", tally.retries, "");
    line(
        "deliveries that a webhook resolved",
        run.resolved,
        "no worker had an answer, and none asked again",
    );
    line(
        "deliveries claimed after an unknown outcome",
        tally.unknown.len(),
        "sent again with the same idempotency key",
    );

    line("requests to the provider", books.requests, "");
    line("  answered with 503, not accepted", books.unavailable_before, "");
    line("  answered with 503, but accepted", books.unavailable_after, "");
    line("  connection closed, but accepted", books.dropped, "");
    line("  answered after the timeout, but accepted", books.slow, "");
    line(
        "requests for a message that was sent",
        books.repeated_requests,
        "second mails that the idempotency key prevented",
    );

    line(
        "events in webhooks",
        received.events,
        &format!("in {} requests", books.webhooks),
    );
    line("  recorded before", received.replays, "replays: nothing was written");
    let linked: i64 = mailglass_event_links::table
        .filter(mailglass_event_links::linked_at.is_not_null())
        .count()
        .get_result(conn)?;
    let linked = usize::try_from(linked)?;
    let swept = usize::try_from(run.swept)?;
    line(
        "  before their delivery had a message id",
        received.early,
        &format!("{} linked by sent(), {swept} by a sweep", linked.saturating_sub(swept)),
    );
    Ok(())
}

/// For each stream: after how many seconds half of its messages and all of them were sent.
fn waiting_times(conn: &mut PgConnection) -> Result<Vec<(Stream, f64, f64)>, Failure> {
    let rows: Vec<(Stream, DateTime<Utc>, Option<DateTime<Utc>>)> = mailglass_deliveries::table
        .select((
            mailglass_deliveries::stream,
            mailglass_deliveries::inserted_at,
            mailglass_deliveries::dispatched_at,
        ))
        .load(conn)?;
    let times = Stream::ALL.iter().filter_map(|&stream| {
        let mut seconds: Vec<f64> = rows
            .iter()
            .filter(|row| row.0 == stream)
            .filter_map(|(_, inserted, dispatched)| Some((*dispatched.as_ref()? - inserted).as_seconds_f64()))
            .collect();
        seconds.sort_by(f64::total_cmp);
        Some((stream, *seconds.get(seconds.len() / 2)?, *seconds.last()?))
    });
    Ok(times.collect())
}

/// Prints the promises. It is an error if one does not hold.
pub(crate) fn promises(promises: &[Promise]) -> Result<(), Failure> {
    println!("\nChecked");
    for Promise { text, violations } in promises {
        println!("   {} {text}", if violations.is_empty() { "✓" } else { "✗" });
        for violation in violations.iter().take(3) {
            println!("      {violation}");
        }
    }
    let broken = promises.iter().filter(|promise| !promise.violations.is_empty()).count();
    match broken {
        0 => Ok(()),
        1 => Err("1 promise is broken".into()),
        _ => Err(format!("{broken} promises are broken").into()),
    }
}
