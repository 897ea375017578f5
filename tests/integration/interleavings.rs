//! Runs concurrent calls in every order of their steps. After each step, `projection::verify` reports no divergence. In the
//! end, the results and the tables are those of some serial order of the calls.
//!
//! A step is a round trip, or a part of an insert before or after a pause in its middle (`interleavings/pauses.sql`).
//! `MAILGLASS_INTERLEAVINGS=all` allows more preemptions and adds scenarios. It takes one to two hours.

mod calls;
mod migrations;
mod scenario;
mod start;
mod tenant;

use std::env;

use self::calls::{
    ALL, DELETE, DELETE_AND_INSERT, DISPATCH_EARLY, EXPIRE, INSERT, INSERT_ALL, INSERT_ALL_REVERSED, INSERT_SENT,
    INSERT_WITHOUT_KEY, MARK_DISPATCHED, REBUILD, RECORD_BOTH, RECORD_BY_ID, RECORD_BY_MESSAGE, REPAIR, SWEEP, Script,
    UPDATE,
};
use self::scenario::Runner;
use self::start::Start;

/// One call for each set of rows that calls lock and write.
const CORE: [Script; 10] = [
    RECORD_BOTH,
    INSERT,
    INSERT_SENT,
    INSERT_ALL,
    MARK_DISPATCHED,
    UPDATE,
    SWEEP,
    EXPIRE,
    REPAIR,
    DELETE_AND_INSERT,
];

fn is_everything_wanted() -> bool {
    env::var("MAILGLASS_INTERLEAVINGS").is_ok_and(|wanted| wanted == "all")
}

/// How often a schedule switches away from a session that could continue. A switch from a session that waits or has ended
/// does not count, so 1 covers most races between two sessions.
fn preemptions() -> usize {
    if is_everything_wanted() { 3 } else { 1 }
}

fn pairs(scripts: &[Script]) -> Vec<Vec<Script>> {
    let pairs_with = |first: usize| scripts[first..].iter().map(move |second| vec![scripts[first], *second]);
    (0..scripts.len()).flat_map(pairs_with).collect()
}

/// Runs every schedule of each scenario, and panics with all failures.
fn run(isolation: &'static str, scenarios: impl IntoIterator<Item = (Start, Vec<Script>)>, preemptions: usize) {
    let mut runner = Runner::new(isolation);
    let mut failures = Vec::new();
    for (start, scripts) in scenarios {
        failures.extend(runner.run(start, &scripts, preemptions));
    }
    println!("{} schedules", runner.schedules);
    assert!(
        failures.is_empty(),
        "{} failures\n{}",
        failures.len(),
        failures.join("\n")
    );
}

fn all_pairs(start: Start) {
    let scenarios = pairs(&ALL).into_iter().map(|pair| (start, pair));
    run("read committed", scenarios, preemptions());
}

#[test]
fn every_pair_of_calls_on_empty_tables_is_serial() {
    all_pairs(Start::Nothing);
}

#[test]
fn every_pair_of_calls_about_a_delivery_is_serial() {
    all_pairs(Start::Delivery);
}

#[test]
fn every_pair_of_calls_about_orphans_is_serial() {
    all_pairs(Start::Orphans);
}

#[test]
fn every_pair_of_calls_about_a_deleted_delivery_is_serial() {
    all_pairs(Start::Deleted);
}

/// The dispatch links the orphan, unless a sweep has locked it. Then the sweep at the end does.
#[test]
fn a_dispatch_that_links_an_early_event_is_serial_with_every_call() {
    let pairs = ALL.into_iter().map(|other| (Start::Early, vec![DISPATCH_EARLY, other]));
    let triple = (Start::Early, vec![DISPATCH_EARLY, RECORD_BY_MESSAGE, SWEEP]);
    run("read committed", pairs.chain([triple]), preemptions().min(2));
}

/// In a transaction of the caller, rows stay uncommitted for longer, so the other session waits for them more often.
#[test]
fn pairs_of_calls_in_transactions_of_the_caller_are_serial() {
    let isolated = if is_everything_wanted() { &ALL[..] } else { &CORE[1..5] };
    let starts = [Start::Nothing, Start::Delivery];
    let scenarios = starts.into_iter().flat_map(|start| {
        let pairs = pairs(isolated).into_iter().flat_map(|pair| {
            let [first, second] = [pair[0], pair[1]];
            let both = vec![first.in_transaction(), second.in_transaction()];
            [both, vec![first.in_transaction(), second]]
        });
        // Migrations are not run in a transaction of the caller.
        let allowed = |pair: &Vec<Script>| {
            pair.iter()
                .all(|script| !script.in_transaction || script.name != "migrations::run")
        };
        pairs.filter(allowed).map(move |pair| (start, pair)).collect::<Vec<_>>()
    });
    run("read committed", scenarios, preemptions());
}

#[test]
fn selected_triples_of_calls_are_serial() {
    let triples = [
        (Start::Nothing, [RECORD_BY_ID, INSERT, SWEEP]),
        (Start::Nothing, [INSERT, INSERT_WITHOUT_KEY, INSERT_ALL]),
        (Start::Nothing, [INSERT_SENT, INSERT_SENT, RECORD_BY_MESSAGE]),
        (Start::Delivery, [INSERT, DELETE, INSERT_ALL_REVERSED]),
        (Start::Delivery, [RECORD_BY_MESSAGE, MARK_DISPATCHED, SWEEP]),
        (Start::Delivery, [RECORD_BY_ID, DELETE_AND_INSERT, REBUILD]),
        (Start::Orphans, [INSERT, SWEEP, EXPIRE]),
        (Start::Orphans, [DELETE_AND_INSERT, SWEEP, RECORD_BY_ID]),
        (Start::Deleted, [INSERT, RECORD_BY_ID, DELETE]),
    ];
    let triples = triples.map(|(start, scripts)| (start, scripts.to_vec()));
    run("read committed", triples, preemptions().min(2));
}

#[test]
#[ignore = "takes an hour: run it with MAILGLASS_INTERLEAVINGS=all and --include-ignored"]
fn every_triple_of_the_core_calls_is_serial() {
    let triples = (0..CORE.len()).flat_map(|first| {
        let rest = pairs(&CORE[first..]).into_iter();
        rest.map(move |pair| vec![CORE[first], pair[0], pair[1]])
    });
    let scenarios = triples.flat_map(|triple| Start::ALL.map(|start| (start, triple.clone())));
    run("read committed", scenarios, 1);
}

fn above_read_committed(isolation: &'static str) {
    let scripts = if is_everything_wanted() { &ALL[..] } else { &CORE[..5] };
    let starts: &[Start] = if is_everything_wanted() {
        &Start::ALL
    } else {
        &[Start::Delivery]
    };
    let scenarios = starts
        .iter()
        .flat_map(|start| pairs(scripts).into_iter().map(|pair| (*start, pair)));
    let in_transactions = scenarios.clone().map(|(start, pair)| {
        let in_transaction = |script: &Script| match script.name {
            "migrations::run" => *script,
            _ => script.in_transaction(),
        };
        (start, pair.iter().map(in_transaction).collect())
    });
    let in_transactions = in_transactions.take(if is_everything_wanted() { usize::MAX } else { 0 });
    run(isolation, scenarios.chain(in_transactions), preemptions().min(2));
}

#[test]
fn pairs_under_repeatable_read_are_serial() {
    above_read_committed("repeatable read");
}

#[test]
#[ignore = "takes long: run it with MAILGLASS_INTERLEAVINGS=all and --include-ignored"]
fn pairs_under_serializable_are_serial() {
    above_read_committed("serializable");
}
