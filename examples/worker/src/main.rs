//! Worker processes that are killed, a provider that fails, and one mail for each recipient: `cargo run -p worker`.
//!
//! The supervisor starts a throwaway PostgreSQL, a fake provider and a webhook endpoint, inserts deliveries, and runs worker
//! processes, which it kills at random. At the end it compares the provider's books with the database. `worker.rs` is what an
//! application would copy.

mod check;
mod deliveries;
mod report;
mod supervisor;
mod tally;
mod webhooks;
mod worker;

use std::env;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const USAGE: &str = "usage: worker [--deliveries NUMBER] [--workers NUMBER] [--seed NUMBER]";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        // The supervisor starts this program again as a worker.
        ["worker", name, database, provider] => worker::run(name, database, provider),
        options => Options::parse(options).and_then(|options| supervisor::run(&options)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

struct Options {
    deliveries: usize,
    workers: usize,
    seed: u64,
}

impl Options {
    fn parse(mut arguments: &[&str]) -> Result<Options, Failure> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let mut options = Options {
            deliveries: 500,
            workers: 4,
            seed: u64::from(now.subsec_micros()),
        };
        while let [name, value, rest @ ..] = arguments {
            match *name {
                "--deliveries" => options.deliveries = value.parse()?,
                "--workers" => options.workers = value.parse()?,
                "--seed" => options.seed = value.parse()?,
                _ => return Err(USAGE.into()),
            }
            arguments = rest;
        }
        if arguments.is_empty() && options.deliveries > 0 && options.workers > 0 {
            Ok(options)
        } else {
            Err(USAGE.into())
        }
    }
}
