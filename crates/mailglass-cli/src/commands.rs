//! The subcommands, each with its arguments and help.

pub(crate) mod checkpoint;
pub(crate) mod completions;
pub(crate) mod docs;
pub(crate) mod erase;
pub(crate) mod export;
pub(crate) mod export_person;
pub(crate) mod grant;
pub(crate) mod migrate;
pub(crate) mod outbox;
pub(crate) mod rebuild;
pub(crate) mod reconcile;
pub(crate) mod retention;
pub(crate) mod stats;
pub(crate) mod suppressions;
pub(crate) mod timeline;
pub(crate) mod verify;
pub(crate) mod verify_checkpoints;
pub(crate) mod webhook;
