//! The migrations. They are embedded, so they need no files at run time.
//!
//! [`run`] applies them, [`list`] returns which are applied, and [`revert_to`] and [`redo`] revert them. [`grants`] returns the
//! rights that the application's role needs. [`FILES`] has the text of the migrations, to be copied among your own.

mod apply;
mod failure;
mod files;
mod grants;
mod list;
mod lock;
mod revert;
mod run;
mod versions;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};

pub use files::{FILES, MigrationFiles};
pub use grants::grants;
pub use list::{MigrationStatus, list};
pub use revert::{DataLoss, redo, revert_to};
pub use run::run;

/// The migrations, for your own [`MigrationHarness`](diesel_migrations::MigrationHarness). A harness sends each migration as one
/// message, which Citus rejects; [`run`] sends one statement at a time.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");
