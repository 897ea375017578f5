//! Helpers for the integration tests, in addition to the fixtures of `test_support`.

pub mod every_call;
pub mod generate;
pub mod schedules;
pub mod sessions;

pub use test_support::*;
