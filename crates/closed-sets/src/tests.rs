//! Tests of the check. Those in `postgres` compare it with a server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on should panic and say so"
)]

mod base;
mod cases;
mod generated;
mod postgres;
mod properties;
mod statements;
