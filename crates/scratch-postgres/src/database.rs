//! Databases that are dropped with their value.

use std::sync::Arc;

use crate::admin::Admin;
use crate::error::Error;

/// A database on a [`Server`](crate::Server). Dropping the value drops the database, even if clients are connected.
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

    /// The connection URL, for Diesel, libpq and PostgreSQL's programs.
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

/// Written by hand, because the URL may contain a password.
impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A database to copy, because a copy is much faster than running migrations.
///
/// [`Server::template`](crate::Server::template) creates it, and
/// [`Server::database_from`](crate::Server::database_from) copies it. Dropping the value drops the database.
#[derive(Debug)]
pub struct Template(pub(crate) Database);
