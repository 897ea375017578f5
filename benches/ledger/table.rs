//! A table of measured values and their ratios.

use std::fmt;

use comfy_table::{CellAlignment, Table as Grid};

use crate::check::{self, Ratio};
use crate::measure::Measured;
use crate::spread::Spread;

pub struct Table {
    pub title: String,
    /// The unit of the values: "per second", or else a unit of costs, such as "seconds".
    pub unit: &'static str,
    /// The contender with which the others are compared.
    pub of: &'static str,
    pub rows: Vec<Row>,
}

pub struct Row {
    pub case: String,
    pub contender: String,
    pub value: Spread,
    /// The ratio to the contender with which the others are compared; `None` for that contender.
    pub share: Option<Spread>,
}

impl Table {
    /// The rows of one case: each contender compared with the first.
    pub fn rows_of(case: &str, contenders: &[Measured]) -> Vec<Row> {
        let row = |(index, measured): (usize, &Measured)| Row {
            case: case.to_owned(),
            contender: measured.name.clone(),
            value: measured.spread(),
            share: (index > 0).then(|| measured.share_of(&contenders[0])),
        };
        contenders.iter().enumerate().map(row).collect()
    }

    /// The ratios, to be compared with the documented ones.
    pub fn ratios<'a>(&'a self, name: &'a str) -> check::Measured<'a> {
        let ratio = |row: &Row| {
            Some(Ratio {
                case: row.case.clone(),
                contender: row.contender.clone(),
                spread: row.share?,
            })
        };
        check::Measured {
            table: name,
            of: self.of,
            higher_is_better: self.unit == "per second",
            ratios: self.rows.iter().filter_map(ratio).collect(),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut grid = Grid::new();
        grid.load_style(comfy_table::presets::ASCII_MARKDOWN);
        grid.set_header([
            "case",
            "",
            self.unit,
            "lowest … highest",
            &format!("× {}", self.of),
            "lowest … highest",
        ]);
        for row in &self.rows {
            let digits = if row.value.highest < 100.0 { 2 } else { 0 };
            let value = |number: f64| format!("{number:.digits$}");
            let share = |text: fn(Spread) -> String| row.share.map(text).unwrap_or_default();
            grid.add_row([
                row.case.clone(),
                row.contender.clone(),
                value(row.value.median),
                format!("{} … {}", value(row.value.lowest), value(row.value.highest)),
                share(|spread| format!("{:.2}", spread.median)),
                share(|spread| format!("{:.2} … {:.2}", spread.lowest, spread.highest)),
            ]);
        }
        for column in grid.column_iter_mut().skip(2) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        write!(f, "{}\n\n{grid}", self.title)
    }
}
