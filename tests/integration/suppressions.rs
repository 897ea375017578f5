//! Suppressions: adding, removing, listing and checking them, and the events that add them.

mod adding;
mod checking;
mod plans;
mod privacy;
mod races;
mod rules;
mod tenants;
