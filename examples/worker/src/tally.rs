//! What the workers report: a line for each step. A pipe keeps the lines of a worker that was killed.

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Read};

use uuid::Uuid;

/// A step of a worker.
pub(crate) enum Step {
    Retry,
    Stalled,
    LeaseLost,
    /// The attempt before began and never ended.
    Unknown(Uuid),
}

impl Step {
    pub(crate) fn print(&self) {
        match self {
            Step::Retry => println!("retry"),
            Step::Stalled => println!("stalled"),
            Step::LeaseLost => println!("lease lost"),
            Step::Unknown(delivery) => println!("unknown {delivery}"),
        }
    }
}

/// How often each step was taken. A step is missing if its worker was killed before it could print it.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) retries: usize,
    pub(crate) stalls: usize,
    pub(crate) lost_leases: usize,
    /// The deliveries that were claimed with an unknown attempt.
    pub(crate) unknown: HashSet<String>,
}

impl Tally {
    /// Reads what a worker prints until it has ended.
    pub(crate) fn of(output: impl Read) -> Tally {
        let mut tally = Tally::default();
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            match line.split_once(' ') {
                Some(("unknown", delivery)) => {
                    tally.unknown.insert(delivery.to_owned());
                }
                _ => match line.as_str() {
                    "retry" => tally.retries += 1,
                    "stalled" => tally.stalls += 1,
                    "lease lost" => tally.lost_leases += 1,
                    // A line that was cut off.
                    _ => {}
                },
            }
        }
        tally
    }

    pub(crate) fn add(&mut self, other: Tally) {
        self.retries += other.retries;
        self.stalls += other.stalls;
        self.lost_leases += other.lost_leases;
        self.unknown.extend(other.unknown);
    }
}
