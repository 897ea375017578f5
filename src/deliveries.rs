//! Writing deliveries: inserting them, changing them, and the steps of sending.

mod insert;
mod mark;
mod params;
mod update;

pub use insert::Inserted;
