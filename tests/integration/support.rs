//! What these tests need beyond the shared fixtures of `test_support`.

pub mod generate;
pub mod scheduler;

pub use test_support::*;
