//! Tests of the command `mailglass` as a process, on a real PostgreSQL. Each test has its own database.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test that can't go on should say so by panicking"
)]

mod checkpoint;
mod completions;
mod connections;
mod docs;
mod export;
mod folder;
mod grant;
mod help;
mod interrupts;
mod lost_connections;
mod migrate;
mod newer_releases;
mod outbox;
mod privacy;
mod program;
mod readme;
mod rebuild;
mod reconcile;
mod retention;
mod stats;
mod suppressions;
mod terminal;
mod timeline;
mod verify;
mod webhook;
