//! The text of the migrations.

/// The text of a migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MigrationFiles {
    /// The version in `__diesel_schema_migrations`, such as `20261121231501`.
    pub version: &'static str,
    /// The name, such as `create_closed_sets`.
    pub name: &'static str,
    /// The SQL that applies it.
    pub up_sql: &'static str,
    /// The SQL that reverts it.
    pub down_sql: &'static str,
    /// Whether it creates or changes enum types, and nothing else.
    pub(super) is_of_types: bool,
    pub(super) up_statements: &'static [&'static str],
    pub(super) down_statements: &'static [&'static str],
}

/// The text of the migrations, oldest first: to read, or to copy into a folder of your own.
///
/// If you apply copies with other versions, don't call [`run`](super::run): it would apply the migrations again, and fail.
///
/// ```
/// for migration in mailglass::migrations::FILES {
///     println!("{} {}: {} bytes", migration.version, migration.name, migration.up_sql.len());
/// }
/// ```
// build.rs lists the folder.
pub const FILES: &[MigrationFiles] = include!(concat!(env!("OUT_DIR"), "/migration_files.rs"));
