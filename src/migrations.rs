//! The migrations. They are embedded, so they need no files at run time.
//!
//! [`run`] applies them, [`list`] returns which are applied, and [`revert_to`] and [`redo`] revert them. [`FILES`] has the text of
//! the migrations, to be copied among your own. The owner of the tables migrates; [`roles`](crate::roles) has the rights of the
//! other roles.
//!
//! # Several schemas
//!
//! A server can have the tables once per tenant group, each in a schema of its own. The enum types then exist once, in a schema
//! that all of them share: Diesel remembers the OIDs of types per connection, so a connection that switches between schemas with
//! types of their own fails. [`run_types`] creates the types:
//!
//! ```
//! # test_support::with_database(|conn| {
//! use diesel::connection::SimpleConnection;
//! use mailglass::migrations::{run, run_types};
//!
//! conn.batch_execute("CREATE SCHEMA mail_types; SET search_path = mail_types")?;
//! run_types(conn)?;
//! for group in ["group_a", "group_b"] {
//!     conn.batch_execute(&format!("CREATE SCHEMA {group}; SET search_path = {group}, mail_types"))?;
//!     run(conn)?;
//! }
//!
//! // Before each use of a pooled connection:
//! conn.batch_execute("SET search_path = group_a, mail_types")?;
//! assert_eq!(mailglass::contract::verify(conn)?, []);
//! # Ok(())
//! # });
//! ```
//!
//! - A new release: call [`run_types`] first, then [`run`] for each schema. [`run`] compares the types with this release before
//!   it relies on them.
//! - [`revert_to`] drops the tables of a schema, but not types of another schema. In the schema of the types, it fails as long
//!   as tables use them.
//! - Triggers and their functions belong to each schema.
//! - Set `search_path` to the schema and that of the types alone. If a schema that has the tables follows, a call for a schema
//!   that was not migrated uses those.
//! - Idempotency keys and provider messages are unique per schema.
//! - Only [`run`] and [`run_types`] support this layout. Copies of [`FILES`] and [`MIGRATIONS`] create the types in each schema.

mod apply;
mod failure;
mod files;
mod list;
pub(crate) mod lock;
mod revert;
mod run;
mod types;
mod versions;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};

pub use files::{FILES, MigrationFiles};
pub use list::{MigrationStatus, list};
pub use revert::{DataLoss, redo, revert_to};
pub use run::{run, run_types};
pub(crate) use types::schemas as schemas_of_types;

/// The migrations, for your own [`MigrationHarness`](diesel_migrations::MigrationHarness). A harness sends each migration as one
/// message, which Citus rejects; [`run`] sends one statement at a time.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");
