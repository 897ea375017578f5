//! Compares recording with what PostgreSQL and Diesel can do by themselves. See `USAGE`.
//!
//! Every figure is a ratio of contenders that take turns in one process, in several rounds. The median is shown with the
//! lowest and the highest round.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    unreachable_pub,
    reason = "a benchmark that can't continue panics"
)]

mod batches;
mod bench;
mod builds;
mod check;
mod data;
mod growth;
mod machine;
mod measure;
mod memory;
mod outbox;
mod peers;
mod plot;
mod rebuild;
mod replays;
mod report;
mod single;
mod spread;
mod table;
mod tenancy;
mod webhook;

use std::env;
use std::path::Path;
use std::process::ExitCode;

use crate::bench::{Bench, connect};
use crate::table::Table;

const USAGE: &str = "\
usage: cargo bench -- [OPTION…] [TABLE…]

Runs the benchmarks whose names contain one of the words TABLE, or all of them:
memory, batches, connections, client, peers, single, replays, tenancy, tenancy_single, outbox,
outbox_single, rebuild, growth, builds.

Starts a throwaway server that writes durably (fsync=on), or uses DATABASE_URL.

  --quick         fewer rounds and less data
  --ten-million   also grow the ledger to 10 million events
  --json          print JSON
  --write         write tables and plots to docs/bench/results
  --check         exit with 1 if a ratio is worse than the one in docs/bench/results by more than its
                  spread there; not with --quick or --write
  --help          print this text";

const OPTIONS: [&str; 5] = ["--quick", "--ten-million", "--json", "--write", "--check"];

const RESULTS: &str = "docs/bench/results";

/// Runs a benchmark and returns its table.
type Measure = fn(&Bench) -> Table;

fn main() -> ExitCode {
    let (mut options, words): (Vec<String>, Vec<String>) =
        env::args().skip(1).partition(|argument| argument.starts_with("--"));
    if options.iter().any(|option| option == "--help") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    // `cargo bench` passes --bench. `cargo test --benches` does not, and must not take long.
    if !options.iter().any(|option| option == "--bench") {
        println!("no tests; run the benchmarks with `cargo bench`");
        return ExitCode::SUCCESS;
    }
    options.retain(|option| option != "--bench");
    if let Some(unknown) = options.iter().find(|option| !OPTIONS.contains(&option.as_str())) {
        eprintln!("unknown option {unknown}\n\n{USAGE}");
        return ExitCode::from(2);
    }
    let has = |wanted: &str| options.iter().any(|option| option == wanted);
    // The ratios depend on the amount of data, and --write replaces what --check compares with.
    if let Some(other) = ["--quick", "--write"]
        .into_iter()
        .find(|other| has("--check") && has(other))
    {
        eprintln!("--check and {other} exclude each other\n\n{USAGE}");
        return ExitCode::from(2);
    }

    let bench = Bench::new(has("--quick"), has("--ten-million"));
    let machine = machine::line(&mut connect(&bench.database()));
    let tables: [(&str, Measure); 14] = [
        // First, because it measures the peak memory of this process.
        ("memory", memory::table),
        ("batches", |bench| batches::table(bench, 1)),
        ("connections", |bench| batches::table(bench, 4)),
        ("client", batches::client),
        ("peers", peers::table),
        ("single", single::table),
        ("replays", replays::table),
        ("tenancy", tenancy::batches),
        ("tenancy_single", tenancy::single),
        ("outbox", outbox::batches),
        ("outbox_single", outbox::single),
        ("rebuild", rebuild::table),
        ("growth", growth::table),
        ("builds", builds::table),
    ];
    let mut report = report::Report::new(machine);
    for (name, measure) in tables {
        if words.is_empty() || words.iter().any(|word| name.contains(word.as_str())) {
            eprintln!("{name} …");
            report.add(name, measure(&bench));
        }
    }
    if has("--write") {
        report
            .write(Path::new(RESULTS))
            .expect("the results should be written to docs/bench/results");
    }
    if has("--json") {
        println!("{}", report.json());
    } else {
        println!("{report}");
    }
    if has("--check") {
        let regressions = report.regressions(Path::new(RESULTS));
        for regression in &regressions {
            eprintln!("regression: {regression}");
        }
        return ExitCode::from(u8::from(!regressions.is_empty()));
    }
    ExitCode::SUCCESS
}
