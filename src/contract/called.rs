//! What our statements look up by name in `search_path`. A test reads the statements and compares.

/// Functions, aggregates included, whether or not the statement names their schema.
pub(crate) const FUNCTIONS: &[&str] = &[
    "array_agg",
    "array_position",
    "array_remove",
    "bool_or",
    "cardinality",
    "clock_timestamp",
    "count",
    "lower",
    "make_interval",
    "max",
    "min",
    "now",
    "unnest",
];

/// Operators: those that are written, and those that stand behind IN, IS DISTINCT FROM and comparisons of rows.
pub(crate) const OPERATORS: &[&str] = &["+", "-", "<", "<=", "<>", "=", ">"];

/// Types that are not keywords of SQL's grammar, as `bigint` is.
pub(crate) const TYPES: &[&str] = &["text"];
