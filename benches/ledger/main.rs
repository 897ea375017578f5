//! How close recording comes to what PostgreSQL can do: `cargo bench`.
//!
//! Every figure is a ratio of things that run in turn in one process, several rounds each; the median is shown, with the
//! lowest and the highest. It starts a throwaway server that writes for safety (fsync on), or uses `DATABASE_URL`.
//! `-- --json` prints the same for machines, `-- --quick` less of everything, `-- --ten-million` lets the ledger grow that far,
//! `-- --write` writes what it prints and the plots to `docs/bench/results/`, and any other word picks the tables whose
//! names it is part of.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    unreachable_pub,
    reason = "a benchmark that can't go on should say so by panicking"
)]

mod batches;
mod builds;
mod data;
mod growth;
mod machine;
mod measure;
mod memory;
mod plot;
mod rebuild;
mod replays;
mod report;
mod single;

use std::env;
use std::path::Path;

use diesel::prelude::*;
use scratch_postgres::{DURABLE, Database, Server, Template};

/// A server, a migrated database to copy, and how much to do.
pub struct Bench {
    server: Server,
    template: Template,
    pub rounds: usize,
    /// By how much everything is smaller than it should be.
    pub divisor: usize,
    pub ten_million: bool,
}

impl Bench {
    fn new(is_quick: bool, ten_million: bool) -> Bench {
        let is_given = env::var("DATABASE_URL").is_ok_and(|url| !url.trim().is_empty());
        let settings = [&DURABLE[..], &[("shared_buffers", "256MB")]].concat();
        let server = if is_given {
            Server::from_env_or_start()
        } else {
            Server::start_with(&settings)
        }
        .expect("a server");
        let template = server
            .template(|url| {
                let mut conn = PgConnection::establish(url).map_err(|error| error.to_string())?;
                mailglass::migrations::run(&mut conn).map_err(|error| error.to_string())?;
                data::deliveries(&mut conn);
                Ok::<_, String>(())
            })
            .expect("a migrated template");
        Bench {
            server,
            template,
            rounds: if is_quick { 3 } else { 7 },
            divisor: if is_quick { 10 } else { 1 },
            ten_million,
        }
    }

    /// A migrated database with deliveries and nothing else in it.
    pub fn database(&self) -> Database {
        self.server
            .database_from(&self.template)
            .expect("a copy of the template")
    }
}

pub fn connect(database: &Database) -> PgConnection {
    PgConnection::establish(database.url()).expect("a connection")
}

/// What makes a table.
type Measure = fn(&Bench) -> report::Table;

fn main() {
    // Cargo itself adds --bench, unless it runs everything as tests.
    let (flags, words): (Vec<String>, Vec<String>) = env::args().skip(1).partition(|it| it.starts_with("--"));
    let has = |flag: &str| flags.iter().any(|it| it == flag);
    if !has("--bench") {
        return println!("This tests nothing. To measure: cargo bench");
    }
    let bench = Bench::new(has("--quick"), has("--ten-million"));
    let machine = machine::line(&mut connect(&bench.database()));
    let tables: [(&str, Measure); 8] = [
        // First, while this process is still small.
        ("memory", memory::table),
        ("batches", |bench| batches::table(bench, 1)),
        ("connections", |bench| batches::table(bench, 4)),
        ("single", single::table),
        ("replays", replays::table),
        ("rebuild", rebuild::table),
        ("growth", growth::table),
        ("builds", builds::table),
    ];
    let mut report = report::Report::new(machine);
    for (name, table) in tables {
        if words.is_empty() || words.iter().any(|word| name.contains(word.as_str())) {
            eprintln!("{name} …");
            report.add(name, table(&bench));
        }
    }
    if has("--write") {
        report
            .write(Path::new("docs/bench/results"))
            .expect("files in docs/bench/results");
    }
    if has("--json") {
        println!("{}", report.json());
    } else {
        println!("{report}");
    }
}
