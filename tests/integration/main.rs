//! Tests of the library against a PostgreSQL server. Each test has its own database.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test that can't continue panics"
)]

mod attribute_maps;
mod checkpoints;
mod closed_sets;
mod connection_loss;
mod contract_verify;
mod crashes;
mod deliveries;
mod delivery_events;
mod dropped_names;
mod early_links;
mod elixir;
mod errors_in_transactions;
mod event_details;
mod explain;
mod guard;
mod hardening;
mod hostile_objects;
mod insert_races;
mod interleavings;
mod invalid_input;
mod isolation_levels;
mod locking;
mod looked_up_names;
mod mark;
mod migrations;
mod mixed_releases;
mod orphans;
mod other_writers;
mod outbox;
mod own_tables;
mod privacy;
mod projection;
mod projection_races;
mod projection_verify;
mod query_plans;
mod readme;
mod recipient_case;
mod recipients;
mod record_batches;
mod record_each;
mod recorded_rows;
mod redaction;
mod replay_races;
mod replays;
mod retention;
mod reverts;
mod roles;
mod session_settings;
mod shared_types;
mod statements;
mod stress;
mod support;
mod suppressions;
mod sweeps;
mod tenancy;
mod tenancy_plans;
mod tenancy_pooler;
mod two_tenants;
