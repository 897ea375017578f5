//! Plots of tables with logarithmic axes: a line through the medians, and a bar from the lowest to the highest round.

use std::path::Path;

use plotters::prelude::*;

use crate::table::{Row, Table};

/// The columns of a table that are plotted.
pub struct Plot {
    pub file: &'static str,
    pub x: &'static str,
    /// Whether the row is plotted.
    shows: fn(&Row) -> bool,
    x_of: fn(&Row) -> &str,
    series_of: fn(&Row) -> &str,
}

pub fn of(table: &str) -> Option<Plot> {
    match table {
        "batches" => Some(Plot {
            file: "batches.svg",
            x: "events per batch",
            // Only the webhook shape is measured at all batch sizes.
            shows: |row| row.case.ends_with("per batch"),
            x_of: |row| &row.case,
            series_of: |row| &row.contender,
        }),
        "growth" => Some(Plot {
            file: "growth.svg",
            x: "events in the ledger",
            shows: |_| true,
            x_of: |row| &row.contender,
            series_of: |row| &row.case,
        }),
        _ => None,
    }
}

const COLOURS: [RGBColor; 7] = [
    RGBColor(110, 110, 110),
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 51, 51),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
];

impl Plot {
    pub fn draw(&self, table: &Table, directory: &Path) -> Result<(), Box<dyn std::error::Error>> {
        let path = directory.join(self.file);
        let area = SVGBackend::new(&path, (760, 460)).into_drawing_area();
        area.fill(&WHITE)?;
        let shown = || table.rows.iter().filter(|row| (self.shows)(row));
        let xs = shown().map(|row| self.x_of(row));
        let ys = shown().flat_map(|row| [row.value.lowest, row.value.highest]);
        // The legend needs space below the lowest value.
        let mut chart = ChartBuilder::on(&area)
            .caption(&table.title, ("sans-serif", 17))
            .margin(14)
            .x_label_area_size(44)
            .y_label_area_size(80)
            .build_cartesian_2d(around(xs, 1.3).log_scale(), around(ys, 4.0).log_scale())?;
        let number = |value: &f64| format!("{value:.0}");
        chart
            .configure_mesh()
            .x_desc(self.x)
            .y_desc(table.unit)
            .x_label_formatter(&number)
            .y_label_formatter(&number)
            .x_labels(5)
            .y_labels(6)
            .light_line_style(WHITE)
            .draw()?;
        for (name, colour) in self.series(table).into_iter().zip(COLOURS.into_iter().cycle()) {
            let rows = || shown().filter(|row| (self.series_of)(row) == name);
            let medians = rows().map(|row| (self.x_of(row), row.value.median));
            chart
                .draw_series(LineSeries::new(medians, colour.stroke_width(2)).point_size(3))?
                .label(name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
            let spreads = rows().map(|row| {
                let ends = [row.value.lowest, row.value.highest];
                PathElement::new(ends.map(|y| (self.x_of(row), y)), colour)
            });
            chart.draw_series(spreads)?;
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerRight)
            .background_style(WHITE.mix(0.9))
            .border_style(BLACK)
            .draw()?;
        area.present()?;
        Ok(())
    }

    /// The number at the beginning of the text.
    fn x_of(&self, row: &Row) -> f64 {
        let text = (self.x_of)(row);
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        text[..end].parse().unwrap_or(1.0)
    }

    fn series<'a>(&self, table: &'a Table) -> Vec<&'a str> {
        let mut names = Vec::new();
        for row in &table.rows {
            let name = (self.series_of)(row);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

/// A range around the values that begins at the lowest value divided by `factor_below`.
fn around(values: impl Iterator<Item = f64> + Clone, factor_below: f64) -> std::ops::Range<f64> {
    let lowest = values.clone().fold(f64::INFINITY, f64::min);
    let highest = values.fold(0.0, f64::max);
    lowest / factor_below..highest * 1.3
}
