//! The name of a database object.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The name of something in a database.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Name {
    /// Absent for what `search_path` finds without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) schema: Option<String>,
    pub(crate) name: String,
}

impl Name {
    /// As SQL writes it, in quotes where it needs them.
    pub(crate) fn sql(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{}.{}", identifier(schema), identifier(&self.name)),
            None => identifier(&self.name),
        }
    }

    /// As people read it.
    pub(crate) fn plain(&self) -> String {
        // Where a dot could be mistaken, in quotes all the same.
        let plain = |part: &str| {
            if part.contains('.') {
                identifier(part)
            } else {
                part.to_owned()
            }
        };
        match &self.schema {
            Some(schema) => format!("{}.{}", plain(schema), plain(&self.name)),
            None => plain(&self.name),
        }
    }
}

/// A name as SQL writes it, but for reserved words, which stand without the quotes that they would need.
pub(crate) fn identifier(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.is_empty() && name.chars().all(is_plain) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}
