//! The database: the pool, the migrations, and the joins with the tables of mailglass.

use diesel::pg::PgConnection;
use diesel::r2d2::{ConnectionManager, Pool, PooledConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use crate::Failure;
use crate::schema::{customers, orders};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

mailglass::joinable!(orders -> mailglass_deliveries (delivery_id));
mailglass::allow_tables_to_appear_in_same_query!(customers, mailglass_deliveries);

/// The connections of the web server.
pub type PgPool = Pool<ConnectionManager<PgConnection>>;

/// A connection of the pool.
pub type Pooled = PooledConnection<ConnectionManager<PgConnection>>;

/// Connects to the database, with a connection for each thread of the web server.
///
/// # Errors
/// If the database does not answer.
pub fn pool(url: &str) -> Result<PgPool, Failure> {
    Ok(Pool::builder().max_size(4).build(ConnectionManager::new(url))?)
}

/// Applies the migrations: those of mailglass first, because ours refer to its tables.
///
/// # Errors
/// If a migration fails.
pub fn migrate(conn: &mut PgConnection) -> Result<(), Failure> {
    mailglass::migrations::run(conn)?;
    conn.run_pending_migrations(MIGRATIONS)?;
    Ok(())
}
