//! An application that checks its own closed set: `tests/fixture`, the example of the README.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "a test that cannot go on should panic and say so"
)]

mod builds;
mod calls;
mod readme;
mod shop;
