//! Hostile input: keys of other tenants, texts that are SQL or control characters, and documents that are too large.

mod injection;
mod key_squatting;
mod limits;
