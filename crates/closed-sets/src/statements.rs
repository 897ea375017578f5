//! Splits a migration's text into statements.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::place::Place;
use crate::tokens;

/// Splits SQL into its statements where PostgreSQL does: at the semicolons outside of strings, quoted names and comments.
///
/// Every statement keeps its semicolon and the comments up to the next statement. Comments before the first one are
/// left out. Use this to send one statement per message, for example to Citus.
///
/// ```
/// let statements = closed_sets::split_statements("SELECT ';'; -- one\nSELECT $$;$$;")?;
/// assert_eq!(statements, ["SELECT ';'; -- one", "SELECT $$;$$;"]);
/// # Ok::<(), closed_sets::MalformedSql>(())
/// ```
///
/// # Errors
/// If a string, a quoted name or a comment is never closed, or if PostgreSQL would reject an escape.
pub fn split_statements(sql: &str) -> Result<Vec<&str>, MalformedSql> {
    let statements = tokens::statements(sql).map_err(|malformed| {
        let at = Place::of_offset(&Arc::from(""), sql, malformed.offset);
        MalformedSql {
            message: malformed.message,
            line: at.line,
            column: at.column,
        }
    })?;
    let first_token = |statement: &Vec<tokens::Token>| Some(statement.first()?.offset);
    let starts: Vec<usize> = statements.iter().filter_map(first_token).collect();
    let ends = starts.iter().skip(1).copied().chain([sql.len()]);
    Ok(starts
        .iter()
        .zip(ends)
        .map(|(&start, end)| sql[start..end].trim_end())
        .collect())
}

/// SQL that PostgreSQL cannot split into tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MalformedSql {
    message: &'static str,
    line: usize,
    column: usize,
}

impl fmt::Display for MalformedSql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

impl Error for MalformedSql {}
