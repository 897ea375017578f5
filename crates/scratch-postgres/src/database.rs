//! Databases that go away with the value that stands for them.

use std::sync::Arc;

use crate::Error;
use crate::admin::Admin;

/// A database of one's own. Dropping it drops the database, whoever is still connected.
pub struct Database {
    admin: Arc<Admin>,
    name: String,
    url: String,
}

impl Database {
    pub(crate) fn create(admin: &Arc<Admin>, template: &str) -> Result<Self, Error> {
        let name = admin.create(template)?;
        let url = admin.url_of(&name);
        Ok(Self {
            admin: Arc::clone(admin),
            name,
            url,
        })
    }

    /// What to connect to, for Diesel, libpq and PostgreSQL's own tools.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The database's name on its server.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.admin.drop_database(&self.name);
    }
}

/// By hand, because the URL may hold a password.
impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A database to be copied, as a copy takes a fraction of the time that migrations take.
///
/// Made by [`Server::template`](crate::Server::template), used by
/// [`Server::database_from`](crate::Server::database_from). Dropping it drops the database.
#[derive(Debug)]
pub struct Template(pub(crate) Database);
