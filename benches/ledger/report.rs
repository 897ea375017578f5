//! What was measured, for people and for machines.

use std::fmt;

use comfy_table::{CellAlignment, Table as Grid};
use serde_json::{Value, json};

use crate::measure::{Rates, Spread};

/// A title, what the ratios are of, and the rows.
pub struct Table {
    pub title: String,
    pub of: &'static str,
    pub rows: Vec<Row>,
}

pub struct Row {
    pub case: String,
    pub contender: &'static str,
    pub per_second: Spread,
    /// None for what the others are compared with.
    pub share: Option<Spread>,
}

impl Table {
    /// Rows for one case: everybody as a share of the first.
    pub fn rows_of(case: &str, rates: &[Rates]) -> Vec<Row> {
        let row = |(index, it): (usize, &Rates)| Row {
            case: case.to_owned(),
            contender: it.name,
            per_second: it.spread(),
            share: (index > 0).then(|| it.share_of(&rates[0])),
        };
        rates.iter().enumerate().map(row).collect()
    }
}

pub struct Report {
    machine: String,
    tables: Vec<(&'static str, Table)>,
}

impl Report {
    pub fn new(machine: String) -> Report {
        Report {
            machine,
            tables: Vec::new(),
        }
    }

    pub fn add(&mut self, name: &'static str, table: Table) {
        self.tables.push((name, table));
    }

    pub fn json(&self) -> Value {
        let row = |it: &Row| json!({ "case": it.case, "contender": it.contender, "per_second": it.per_second, "share": it.share });
        let tables = self.tables.iter().map(|(name, it)| {
            json!({ "name": name, "title": it.title, "share_of": it.of, "rows": it.rows.iter().map(row).collect::<Vec<_>>() })
        });
        json!({ "machine": self.machine, "tables": tables.collect::<Vec<_>>() })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.machine)?;
        for (_, table) in &self.tables {
            let mut grid = Grid::new();
            grid.load_style(comfy_table::presets::ASCII_MARKDOWN);
            grid.set_header([
                "case",
                "",
                "per second",
                "lowest … highest",
                &format!("× {}", table.of),
                "lowest … highest",
            ]);
            for row in &table.rows {
                let rate = row.per_second;
                let share = |text: fn(Spread) -> String| row.share.map(text).unwrap_or_default();
                grid.add_row([
                    row.case.clone(),
                    row.contender.to_owned(),
                    format!("{:.0}", rate.median),
                    format!("{:.0} … {:.0}", rate.lowest, rate.highest),
                    share(|it| format!("{:.2}", it.median)),
                    share(|it| format!("{:.2} … {:.2}", it.lowest, it.highest)),
                ]);
            }
            for column in grid.column_iter_mut().skip(2) {
                column.set_cell_alignment(CellAlignment::Right);
            }
            writeln!(f, "\n{}\n\n{grid}", table.title)?;
        }
        Ok(())
    }
}
