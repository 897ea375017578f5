//! What recording a whole export costs in memory of ours. Linux only: elsewhere nobody says.

use std::fs;

use mailglass::ledger;

use crate::measure::{Contender, Run, in_turn};
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
    let mut conn = connect(&database);
    let record = || {
        Run::of(all, || {
            let recorded = ledger::record_batches(&mut conn, (0..all).map(data::event), 1_000);
            assert_eq!(recorded.map(|it| it.expect("events").len()).sum::<usize>(), all);
        })
    };
    let rates = in_turn(1, vec![Contender::new("record_batches", record)]);
    let peak = peak().map(|it| format!("{it} MiB"));
    Table {
        title: format!(
            "{all} events from an iterator, 1,000 a batch. The most memory that this process had: {}.",
            peak.unwrap_or_else(|| "unknown on this system".to_owned())
        ),
        of: "",
        rows: Table::rows_of("one export", &rates),
    }
}
