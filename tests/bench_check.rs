//! The comparison of `cargo bench -- --check`. Cargo runs no tests of a benchmark without the standard harness.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "the modules belong to the benchmark"
)]

#[path = "../benches/ledger/check.rs"]
mod check;
#[path = "../benches/ledger/spread.rs"]
mod spread;

use std::fs;
use std::path::Path;

use check::{Measured, Ratio, documented, regressions};
use spread::Spread;

const DOCUMENTED: &str = "
Events per second into an empty ledger, one connection.

| case           |        | per second | lowest … highest | × COPY | lowest … highest |
|----------------|--------|------------|------------------|--------|------------------|
| 1000 per batch | COPY   |      39447 |    29340 … 41215 |        |                  |
| 1000 per batch | append |      30423 |    26062 … 32148 |   0.78 |      0.75 … 0.89 |
| 1000 per batch | record |      19982 |    16360 … 21768 |   0.52 |      0.50 … 0.56 |
";

fn ratio(contender: &str, median: f64) -> Ratio {
    Ratio {
        case: "1000 per batch".to_owned(),
        contender: contender.to_owned(),
        spread: Spread {
            median,
            lowest: 0.0,
            highest: 9.0,
        },
    }
}

fn measured(ratios: &[(&str, f64)]) -> Measured<'static> {
    Measured {
        table: "batches",
        of: "COPY",
        higher_is_better: true,
        ratios: ratios
            .iter()
            .map(|(contender, median)| ratio(contender, *median))
            .collect(),
    }
}

#[test]
fn the_documented_ratios_are_read_from_the_table() {
    let read = documented(DOCUMENTED);
    let medians: Vec<(&str, f64)> = read
        .iter()
        .map(|ratio| (ratio.contender.as_str(), ratio.spread.median))
        .collect();
    assert_eq!(medians, [("append", 0.78), ("record", 0.52)]);
    assert_eq!((read[0].spread.lowest, read[0].spread.highest), (0.75, 0.89));
}

#[test]
fn a_ratio_may_be_lower_by_the_documented_spread() {
    // 0.78 - (0.89 - 0.75), and 0.52 - (0.56 - 0.50).
    let at_the_limit = measured(&[("append", 0.64), ("record", 0.46)]);
    assert_eq!(regressions(&at_the_limit, &documented(DOCUMENTED)), [""; 0]);
    // It is printed as 0.46.
    let rounded = measured(&[("record", 0.456)]);
    assert_eq!(regressions(&rounded, &documented(DOCUMENTED)), [""; 0]);
}

#[test]
fn each_ratio_that_is_lower_is_listed() {
    let slow = measured(&[("append", 0.63), ("record", 0.40)]);
    assert_eq!(
        regressions(&slow, &documented(DOCUMENTED)),
        [
            "batches, 1000 per batch, append: 0.63 × COPY; documented is 0.78 (0.75 … 0.89), so it should be at least 0.64",
            "batches, 1000 per batch, record: 0.40 × COPY; documented is 0.52 (0.50 … 0.56), so it should be at least 0.46",
        ]
    );
}

#[test]
fn a_higher_ratio_of_seconds_or_cpu_time_is_a_regression() {
    let costs = |append| Measured {
        higher_is_better: false,
        ..measured(&[("append", append)])
    };
    assert_eq!(regressions(&costs(0.10), &documented(DOCUMENTED)), [""; 0]);
    assert_eq!(regressions(&costs(0.92), &documented(DOCUMENTED)), [""; 0]);
    assert_eq!(
        regressions(&costs(0.93), &documented(DOCUMENTED)),
        [
            "batches, 1000 per batch, append: 0.93 × COPY; documented is 0.78 (0.75 … 0.89), so it should be at most 0.92"
        ]
    );
}

#[test]
fn a_ratio_that_is_not_documented_is_listed() {
    assert_eq!(
        regressions(&measured(&[("append", 0.99)]), &[]),
        ["batches, 1000 per batch, append: has no documented ratio; add it with --write"]
    );
}

#[test]
fn other_libraries_may_become_slower() {
    let others = measured(&[("Diesel, many rows", 0.01), ("Django", 0.01)]);
    assert_eq!(regressions(&others, &documented(DOCUMENTED)), [""; 0]);
    // But if all contenders are ours, each counts.
    let replays = Measured {
        of: "fresh",
        ..measured(&[("90 % replays", 0.01)])
    };
    assert_eq!(regressions(&replays, &documented(DOCUMENTED)).len(), 1);
}

#[test]
fn the_published_tables_have_ratios() {
    for name in [
        "batches",
        "connections",
        "client",
        "peers",
        "single",
        "replays",
        "rebuild",
        "growth",
        "builds",
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("docs/bench/results")
            .join(name)
            .with_extension("md");
        assert!(!documented(&fs::read_to_string(path).unwrap()).is_empty(), "{name}");
    }
}

#[test]
fn a_spread_has_the_median_and_both_ends() {
    let spread = Spread::of(vec![3.0, 1.0, 2.0]);
    assert_eq!((spread.median, spread.lowest, spread.highest), (2.0, 1.0, 3.0));
}
