//! `--color`.

use anstream::ColorChoice;
use clap::ValueEnum;
use crossterm::style::force_color_output;

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

impl Color {
    /// Sets the choice for everything that the process writes.
    pub(super) fn apply(self) {
        match self {
            Color::Auto => {}
            Color::Always => {
                ColorChoice::Always.write_global();
                force_color_output(true);
            }
            Color::Never => ColorChoice::Never.write_global(),
        }
    }
}
