//! What our statements look up by name in `search_path`. A test reads the statements and compares.

/// Functions, aggregates included, whose schema our statements name.
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

/// Functions that Diesel calls without their schema, when it looks up the type of an enum.
pub(crate) const DIESELS_FUNCTIONS: &[&str] = &["quote_ident"];

/// Operators: those that are written, and those that stand behind IN and IS DISTINCT FROM.
pub(crate) const OPERATORS: &[&str] = &["+", "-", "<=", "<>", "=", ">"];

/// Types that are not keywords of SQL's grammar, as `bigint` is.
pub(crate) const TYPES: &[&str] = &["oid", "regtype", "text"];
