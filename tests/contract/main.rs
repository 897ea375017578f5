//! The crate's own contract: its closed sets, its documents and the packaged crate. No test here needs a database.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a test that cannot go on should panic and say so"
)]

mod documents;
mod mismatches;
mod mutations;
mod own;
mod packaged;
