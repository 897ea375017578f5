//! The report: all tables as text, as files with plots, or as JSON.

use std::error::Error;
use std::path::Path;
use std::{fmt, fs};

use serde_json::{Value, json};

use crate::check;
use crate::plot;
use crate::table::{Row, Table};

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

    /// Compares the ratios with those of the tables in the directory, and describes each regression.
    pub fn regressions(&self, directory: &Path) -> Vec<String> {
        let of_table = |(name, table): &(&'static str, Table)| {
            let published = fs::read_to_string(directory.join(name).with_extension("md"));
            // Without the file, all its ratios are listed as not documented.
            check::regressions(&table.ratios(name), &check::documented(&published.unwrap_or_default()))
        };
        self.tables.iter().flat_map(of_table).collect()
    }

    /// Writes each table, and plots of some. Paths are relative to the package, in which Cargo runs a benchmark.
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
        let row_json =
            |row: &Row| json!({ "case": row.case, "contender": row.contender, "value": row.value, "share": row.share });
        let tables = self.tables.iter().map(|(name, table)| {
            let rows: Vec<Value> = table.rows.iter().map(row_json).collect();
            json!({ "name": name, "title": table.title, "unit": table.unit, "share_of": table.of, "rows": rows })
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
