//! What was measured, for people and for machines.

use std::error::Error;
use std::path::Path;
use std::{fmt, fs};

use comfy_table::{CellAlignment, Table as Grid};
use serde_json::{Value, json};

use crate::measure::{Measured, Spread};
use crate::plot;

/// A title, what the ratios are of, and the rows.
pub struct Table {
    pub title: String,
    /// What the values are: "per second" or "seconds".
    pub unit: &'static str,
    pub of: &'static str,
    pub rows: Vec<Row>,
}

pub struct Row {
    pub case: String,
    pub contender: String,
    pub value: Spread,
    /// None for what the others are compared with.
    pub share: Option<Spread>,
}

impl Table {
    /// Rows for one case: everybody as a share of the first.
    pub fn rows_of(case: &str, measured: &[Measured]) -> Vec<Row> {
        let row = |(index, it): (usize, &Measured)| Row {
            case: case.to_owned(),
            contender: it.name.clone(),
            value: it.spread(),
            share: (index > 0).then(|| it.share_of(&measured[0])),
        };
        measured.iter().enumerate().map(row).collect()
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

    /// Writes each table, and those that can be seen as pictures. (Cargo runs a benchmark in its package's directory.)
    pub fn write(&self, directory: &Path) -> Result<(), Box<dyn Error>> {
        for (name, table) in &self.tables {
            let written = format!(
                "<!-- Written by `cargo bench -- {name} --write`. -->\n\n{}\n\n{table}\n",
                self.machine
            );
            fs::write(directory.join(name).with_extension("md"), written)?;
            if let Some(plot) = plot::of(name) {
                plot.draw(table, directory)?;
            }
        }
        Ok(())
    }

    pub fn json(&self) -> Value {
        let row =
            |it: &Row| json!({ "case": it.case, "contender": it.contender, "value": it.value, "share": it.share });
        let tables = self.tables.iter().map(|(name, it)| {
            json!({ "name": name, "title": it.title, "unit": it.unit, "share_of": it.of, "rows": it.rows.iter().map(row).collect::<Vec<_>>() })
        });
        json!({ "machine": self.machine, "tables": tables.collect::<Vec<_>>() })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.machine)?;
        self.tables.iter().try_for_each(|(_, table)| writeln!(f, "\n{table}"))
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
            let value = |it: f64| format!("{it:.digits$}");
            let share = |text: fn(Spread) -> String| row.share.map(text).unwrap_or_default();
            grid.add_row([
                row.case.clone(),
                row.contender.clone(),
                value(row.value.median),
                format!("{} … {}", value(row.value.lowest), value(row.value.highest)),
                share(|it| format!("{:.2}", it.median)),
                share(|it| format!("{:.2} … {:.2}", it.lowest, it.highest)),
            ]);
        }
        for column in grid.column_iter_mut().skip(2) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        write!(f, "{}\n\n{grid}", self.title)
    }
}
