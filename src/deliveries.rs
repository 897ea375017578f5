//! Writing deliveries: insert, update, and the steps of sending.

mod early;
mod insert;
mod mark;
mod params;
mod update;

pub use insert::Inserted;
