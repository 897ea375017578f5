//! The name of a database object.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The name of a database object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Name {
    /// Absent if `search_path` finds the object without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) schema: Option<String>,
    pub(crate) name: String,
}

impl Name {
    /// The name in SQL, quoted if necessary.
    pub(crate) fn sql(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{}.{}", identifier(schema), identifier(&self.name)),
            None => identifier(&self.name),
        }
    }

    /// The name for readers, without quotes.
    pub(crate) fn plain(&self) -> String {
        // A name with a dot is quoted, because it would be ambiguous.
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

/// An identifier in SQL. Reserved words are not quoted.
pub(crate) fn identifier(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.is_empty() && name.chars().all(is_plain) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}
