//! Runs the example as a process, and posts Postmark's webhooks to it.

#[path = "../../webhooks-sync/tests/endpoint/mod.rs"]
mod endpoint;

const EXAMPLE: &str = env!("CARGO_BIN_EXE_webhooks-actix");
