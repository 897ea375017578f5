#![doc = include_str!("../README.md")]

mod admin;
mod binaries;
mod database;
mod error;
mod server;
mod supervisor;
mod target;
mod user;
mod wheel;

pub use database::{Database, Template};
pub use error::{Error, reason_without_url};
pub use server::{DURABLE, Server};
