//! HTML that can't be injected into: markup is a literal of the program, and everything else is escaped.

use std::fmt::Display;

/// A part of a page.
#[derive(Default)]
pub struct Html(String);

impl Html {
    /// An empty part.
    pub fn new() -> Self {
        Html::default()
    }

    /// Adds markup. Only a literal is `'static`.
    pub fn markup(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Adds text, which is escaped, so that it can also be the value of an attribute in quotes.
    pub fn text(&mut self, text: impl Display) -> &mut Self {
        for character in text.to_string().chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                other => self.0.push(other),
            }
        }
        self
    }

    /// Adds a cell of a table.
    pub fn cell(&mut self, text: impl Display) -> &mut Self {
        self.markup("<td>").text(text).markup("</td>")
    }

    /// Adds a cell of a table, which is empty if there is no text.
    pub fn optional_cell(&mut self, text: Option<impl Display>) -> &mut Self {
        match text {
            Some(text) => self.cell(text),
            None => self.markup("<td>–</td>"),
        }
    }

    /// The page.
    pub fn into_string(self) -> String {
        self.0
    }
}
