//! Tests against a Citus coordinator, which are skipped by default: Citus is in no package registry.
//!
//! `MAILGLASS_CITUS_URL=postgresql://postgres@127.0.0.1:9700/mail cargo test --test scale -- --ignored` runs them. The URL names
//! an existing database of the coordinator, with the extension and its nodes, and a superuser. The settings must contain
//! `citus.enable_unsafe_triggers = on` and, for moves, `wal_level = logical`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test that can't continue panics"
)]

#[path = "../integration/support/every_call.rs"]
mod every_call;
mod guard;
mod migrating;
mod moving;
mod serialization;
mod suite;

mod support;
mod workload;
