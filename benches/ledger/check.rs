//! Compares measured ratios with the documented ones.
//!
//! It uses neither a server nor files. `tests/bench_check.rs` includes it, because Cargo runs no tests of a benchmark.

use crate::spread::Spread;

/// The ratio of a contender to the one with which the others are compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Ratio {
    pub case: String,
    pub contender: String,
    pub spread: Spread,
}

/// The measured ratios of a table.
pub struct Measured<'a> {
    pub table: &'a str,
    /// The contender with which the others are compared.
    pub of: &'a str,
    pub higher_is_better: bool,
    pub ratios: Vec<Ratio>,
}

/// Reads the ratios of a table in `docs/bench/results`.
pub fn documented(markdown: &str) -> Vec<Ratio> {
    let ratio = |line: &str| {
        let cells: Vec<&str> = line.strip_prefix('|')?.split('|').map(str::trim).collect();
        let [case, contender, _value, _values, median, ends, ..] = cells.as_slice() else {
            return None;
        };
        let (lowest, highest) = ends.split_once(" … ")?;
        Some(Ratio {
            case: (*case).to_owned(),
            contender: (*contender).to_owned(),
            spread: Spread {
                median: median.parse().ok()?,
                lowest: lowest.parse().ok()?,
                highest: highest.parse().ok()?,
            },
        })
    };
    markdown.lines().filter_map(ratio).collect()
}

/// Describes each measured ratio that is worse than the documented one by more than its spread, or that is not documented.
pub fn regressions(measured: &Measured<'_>, documented: &[Ratio]) -> Vec<String> {
    let ours = measured
        .ratios
        .iter()
        .filter(|ratio| is_ours(measured.of, &ratio.contender));
    ours.filter_map(|ratio| regression(measured, ratio, documented))
        .collect()
}

fn regression(measured: &Measured<'_>, ratio: &Ratio, documented: &[Ratio]) -> Option<String> {
    let Ratio {
        case,
        contender,
        spread,
    } = ratio;
    let Measured { table, of, .. } = measured;
    let name = format!("{table}, {case}, {contender}");
    let same = |other: &&Ratio| (&other.case, &other.contender) == (case, contender);
    let Some(Ratio { spread: known, .. }) = documented.iter().find(same) else {
        return Some(format!("{name}: has no documented ratio; add it with --write"));
    };
    // The documented values are rounded to hundredths.
    let median = rounded(spread.median);
    let width = known.highest - known.lowest;
    let (bound, limit, is_worse) = if measured.higher_is_better {
        let limit = rounded(known.median - width);
        ("at least", limit, median < limit)
    } else {
        let limit = rounded(known.median + width);
        ("at most", limit, median > limit)
    };
    let Spread {
        median: documented,
        lowest,
        highest,
    } = known;
    is_worse.then(|| {
        format!(
            "{name}: {median:.2} × {of}; documented is {documented:.2} ({lowest:.2} … {highest:.2}), so it should be {bound} {limit:.2}"
        )
    })
}

/// Beside COPY and INSERT, there are also contenders that are not ours. Their ratios may change.
fn is_ours(of: &str, contender: &str) -> bool {
    !matches!(of, "COPY" | "INSERT") || matches!(contender, "append" | "record")
}

fn rounded(ratio: f64) -> f64 {
    (ratio * 100.0).round() / 100.0
}
