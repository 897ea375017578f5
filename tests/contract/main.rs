//! The check that `build.rs` runs, from its single cases to the packaged crate. No test here needs a database.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a test that can't go on should say so by panicking"
)]

mod base;
mod cases;
#[allow(dead_code, reason = "the tests use what they test")]
#[path = "../../src/contract/check/mod.rs"]
mod check;
mod documents;
mod mirrors;
mod mutations;
mod packaged;
mod properties;
mod split;
