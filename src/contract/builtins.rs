//! The functions, operators and types of `pg_catalog` that the crate's statements use, and that an object of the same name
//! elsewhere in `search_path` could replace. A test compares these lists with the statements.

/// Functions, with aggregates. The statements qualify them with their schema.
pub const FUNCTIONS: &[&str] = &[
    "array_position",
    "array_remove",
    "bool_or",
    "cardinality",
    "chr",
    "clock_timestamp",
    "concat",
    "convert_to",
    "count",
    "current_database",
    "current_setting",
    "floor",
    "gen_random_uuid",
    "get_byte",
    "hashtext",
    "int8send",
    "jsonb_build_object",
    "jsonb_extract_path",
    "lower",
    "make_interval",
    "max",
    "min",
    "now",
    "octet_length",
    "pg_advisory_xact_lock",
    "pg_backend_pid",
    "pg_is_in_recovery",
    "pg_notify",
    "random",
    "record_send",
    "replace",
    "row_number",
    "set_config",
    "sha256",
    "split_part",
    "statement_timestamp",
    "string_agg",
    "strpos",
    "sum",
    "to_regclass",
    "to_timestamp",
    "unnest",
];

/// Functions that Diesel calls without a schema to look up the type of an enum.
pub const DIESEL_FUNCTIONS: &[&str] = &["quote_ident"];

/// Operators, with those behind IN and IS DISTINCT FROM.
pub const OPERATORS: &[&str] = &["+", "-", "/", "<", "<=", "<>", "=", ">", ">="];

/// Types that are not keywords of the SQL grammar, unlike `bigint`.
pub const TYPES: &[&str] = &["oid", "regtype", "text"];
