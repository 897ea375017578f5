//! Tests of the crate and of its command against throwaway servers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't continue panics"
)]

#[cfg(target_os = "linux")] // The tests search /proc.
mod cleanup;
mod command;
mod crash;
mod database_url;
mod databases;
mod download;
mod support;
