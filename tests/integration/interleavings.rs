//! Races, without thinking of them one by one: calls at once, in every order of their steps. `projection::verify` reports
//! nothing after any step; in the end the answers and the tables are those of some serial order.
//!
//! A step is a round trip, or the part of an insert before or behind a pause in its middle (`interleavings/pauses.sql`). With
//! `MAILGLASS_INTERLEAVINGS=all` the bounds are wider and there are more scenarios: an hour or two.

mod calls;
mod migrations;
mod scenario;
mod start;
mod tenant;

use std::env;

use self::calls::{
    ALL, DELETE, DELETE_AND_INSERT, EXPIRE, INSERT, INSERT_ALL, INSERT_ALL_REVERSED, INSERT_SENT, INSERT_WITHOUT_KEY,
    MARK_DISPATCHED, REBUILD, RECORD_BOTH, RECORD_BY_ID, RECORD_BY_MESSAGE, REPAIR, SWEEP, Script, UPDATE,
};
use self::scenario::Runner;
use self::start::Start;

/// The calls that differ in what they lock and write.
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

/// How often a schedule takes a session's turn away although it could go on. If a session waits or has ended,
/// the next one goes on without being counted, so 1 is enough for most races between two.
fn preemptions() -> usize {
    if is_everything_wanted() { 3 } else { 1 }
}

fn pairs(scripts: &[Script]) -> Vec<Vec<Script>> {
    let pairs_with = |first: usize| scripts[first..].iter().map(move |second| vec![scripts[first], *second]);
    (0..scripts.len()).flat_map(pairs_with).collect()
}

/// Fails with all that went wrong in any schedule of any of these scenarios.
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
fn every_pair_of_calls_about_waiting_events_is_serial() {
    all_pairs(Start::Orphans);
}

#[test]
fn every_pair_of_calls_about_a_deleted_delivery_is_serial() {
    all_pairs(Start::Deleted);
}

/// What one has written is not committed for longer, so that the other one waits for it more often.
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
        // No schedule lets migrations run in somebody's transaction.
        let allowed = |pair: &Vec<Script>| {
            pair.iter()
                .all(|script| !script.in_transaction || script.name != "migrations::run")
        };
        pairs.filter(allowed).map(move |pair| (start, pair)).collect::<Vec<_>>()
    });
    run("read committed", scenarios, preemptions());
}

#[test]
fn the_triples_that_matter_are_serial() {
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
fn every_triple_of_the_core_calls_is_serial_if_everything_is_wanted() {
    if !is_everything_wanted() {
        return;
    }
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
fn pairs_under_serializable_are_serial_if_everything_is_wanted() {
    if is_everything_wanted() {
        above_read_committed("serializable");
    }
}
