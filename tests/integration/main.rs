//! Every rule of the crate, against a real PostgreSQL. Each test has a database of its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test that can't go on should say so by panicking"
)]

mod attribute_maps;
mod audit;
mod bad_input;
mod beside_others;
mod closed_sets;
mod crashes;
mod deliveries;
mod elixir;
mod enqueue_races;
mod explain;
mod facts;
mod guard;
mod hostile_search_path;
mod interleavings;
mod isolated_failures;
mod isolation;
mod locking;
mod migrations;
mod orphans;
mod plans;
mod projection;
mod projection_races;
mod readme;
mod recipient_case;
mod recipients;
mod record_batches;
mod record_each;
mod recorded_rows;
mod releases;
mod replay_races;
mod replays;
mod reverts;
mod send_path;
mod statements;
mod storm;
mod support;
mod sweeps;
mod typed_errors;
mod verify;
mod wire;
