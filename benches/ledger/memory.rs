//! What recording a whole export costs in memory of ours. Linux only: elsewhere nobody says.

use std::fs;

use mailglass::ledger;

use crate::measure::{Contender, Run, rates};
use crate::report::Table;
use crate::{Bench, connect, data};

/// The most memory that this process ever had, in MiB.
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
                let recorded = ledger::record_batches(&mut conn, (0..all).map(data::event), 1_000);
                assert_eq!(recorded.map(|it| it.expect("events").len()).sum::<usize>(), all);
            })
        }
    });
    let rates = rates(1, 1, &[record]);
    let peak = peak().map(|it| format!("{it} MiB"));
    Table {
        title: format!(
            "{all} events from an iterator, 1,000 a batch. The most memory that this process had: {}.",
            peak.unwrap_or_else(|| "unknown on this system".to_owned())
        ),
        unit: "per second",
        of: "",
        rows: Table::rows_of("one export", &rates),
    }
}
