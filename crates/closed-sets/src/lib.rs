//! Checks at build time that a closed set of values is the same everywhere: in a Rust enum that derives `DbEnum` (of
//! diesel-derive-enum), in the PostgreSQL enum type that the Diesel migrations create, and in a Markdown page that documents
//! the values.
//!
//! The check needs no database. It reads the Rust files as tokens and replays the enum statements of the migrations. Every
//! contradiction fails the build with a stable code, the position in the file and a suggestion.
//!
//! ```no_run
//! // The main function of build.rs:
//! closed_sets::Check::new()
//!     .manifest("closed_sets.md")
//!     .rust_file("src/models.rs")
//!     .migrations("migrations")
//!     .run();
//! ```
//!
//! See [`Check`] for the inputs, and the README for the format of the manifest.

mod check;
mod code;
mod compare;
mod compare_migrations;
mod compare_releases;
mod compare_rust;
mod contract;
mod did_you_mean;
mod embedded_sql;
mod finding;
mod generated_rust;
mod inputs;
mod label_length;
mod label_list;
mod manifest;
mod manifest_parser;
mod manifest_rows;
mod manifest_table;
mod markdown;
mod migrations;
mod object_statements;
mod objects;
mod place;
mod promised_names;
mod rejected_statements;
mod release;
mod rust_attributes;
mod rust_enums;
mod rust_source;
mod snake_case;
mod statement_kind;
mod statements;
mod string_constants;
mod string_escapes;
#[cfg(test)]
mod tests;
mod text_file;
mod tokens;
mod type_statements;
mod version;

pub use check::Check;
pub use code::Code;
pub use contract::{Contract, Frozen};
pub use finding::{Finding, Findings};
pub use place::Place;
pub use statements::{MalformedSql, split_statements};
