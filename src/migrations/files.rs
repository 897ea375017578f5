//! The text of the migrations.

/// A migration as text, and what it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MigrationFiles {
    /// As `__diesel_schema_migrations` has it, such as `20261121231501`.
    pub version: &'static str,
    /// What it does, such as `create_closed_sets`.
    pub name: &'static str,
    /// What applies it.
    pub up_sql: &'static str,
    /// What takes it back.
    pub down_sql: &'static str,
    pub(super) up_statements: &'static [&'static str],
    pub(super) down_statements: &'static [&'static str],
}

/// The migrations as text, oldest first: to be read, or written into a folder of your own.
///
/// Whoever applies copies of them under other versions must not call [`run`](super::run) as well, which would apply them a
/// second time, and fail.
///
/// ```
/// for migration in mailglass::migrations::FILES {
///     println!("{} {}: {} bytes", migration.version, migration.name, migration.up_sql.len());
/// }
/// ```
// build.rs lists the folder.
pub const FILES: &[MigrationFiles] = include!(concat!(env!("OUT_DIR"), "/migration_files.rs"));
