//! The memory that recording a large export takes. It is known on Linux only.

use std::fs;

use mailglass::ledger;

use crate::bench::{Bench, connect};
use crate::data::Shape;
use crate::measure::{Contender, Run, rates};
use crate::table::Table;

/// The peak memory of this process in MiB.
fn peak() -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<usize>().ok()? / 1024)
}

pub fn table(bench: &Bench) -> Table {
    let all = 1_000_000 / bench.divisor;
    let database = bench.database();
    let record = Contender::new("record_batches", || {
        let mut conn = connect(&database);
        move |_| {
            Run::of(all, || {
                let events = (0..all).map(|number| Shape::Webhook.event(number));
                let recorded = ledger::record_batches(&mut conn, events, 1_000);
                let counts = recorded.map(|batch| batch.expect("the events should be recorded").len());
                assert_eq!(counts.sum::<usize>(), all);
            })
        }
    });
    let rates = rates(1, 1, &[record]);
    let peak = peak().map(|mebibytes| format!("{mebibytes} MiB"));
    Table {
        title: format!(
            "{all} events from an iterator, 1,000 per batch. Peak memory of the process: {}.",
            peak.unwrap_or_else(|| "unknown on this system".to_owned())
        ),
        unit: "per second",
        of: "",
        rows: Table::rows_of("one export", &rates),
    }
}
