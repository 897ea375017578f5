//! The connection to the database of a URL, or to a throwaway database.

use clap::Args;
use diesel::Connection as _;
use diesel::prelude::*;
use scratch_postgres::{Database, Server, reason_without_url};

use crate::diagnosis;
use crate::failure::{Failure, Kind};

#[derive(Args)]
pub(crate) struct DatabaseOptions {
    /// The database, as a URL or as libpq's `key=value` pairs.
    ///
    /// For example postgresql://user@host/database or `host=… dbname=…`. Append `?options=-csearch_path%3Dmail` if the tables
    /// are in the schema `mail`. Missing parts come from PGHOST, PGPASSWORD and libpq's other variables.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "DATABASE_URL",
        hide_env_values = true
    )]
    database_url: Option<String>,
}

impl DatabaseOptions {
    pub(crate) fn connect(&self) -> Result<Connection, Failure> {
        let url = self
            .database_url
            .as_deref()
            .map(str::trim)
            .filter(|url| !url.is_empty());
        let url = url.ok_or_else(|| {
            Failure::new(Kind::Usage, "no database given").hint("use --database-url or set DATABASE_URL")
        })?;
        let conn = PgConnection::establish(url).map_err(|error| {
            let reason = reason_without_url(url, &error);
            Failure::new(Kind::Unreachable, format!("can't connect to the database: {reason}"))
                .hint("check --database-url or DATABASE_URL, and that the server is running")
        })?;
        Ok(Connection { conn, _scratch: None })
    }

    /// Connects to a database that has all mailglass tables.
    pub(crate) fn connect_to_migrated(&self) -> Result<Connection, Failure> {
        let mut connection = self.connect()?;
        let found = connection.run(diagnosis::tables)?;
        if found.len() == diagnosis::promised_tables().len() {
            Ok(connection)
        } else {
            Err(diagnosis::not_migrated())
        }
    }

    /// Connects to a database that this release migrated.
    pub(crate) fn connect_to_this_release(&self) -> Result<Connection, Failure> {
        let mut connection = self.connect_to_migrated()?;
        match connection.run(diagnosis::of_another_release)? {
            None => Ok(connection),
            Some(failure) => Err(failure),
        }
    }
}

/// A connection. A throwaway server stops when its connection is dropped.
pub(crate) struct Connection {
    // Declared first, so that the connection closes before the server stops.
    conn: PgConnection,
    _scratch: Option<(Database, Server)>,
}

impl Connection {
    /// Starts a throwaway server with a database that this release has migrated.
    pub(crate) fn to_scratch() -> Result<Connection, Failure> {
        let failed = |error: scratch_postgres::Error| {
            Failure::failed(format!("can't start a throwaway server: {error}"))
                .hint("install PostgreSQL's server programs (on Debian: `apt-get install postgresql`)")
        };
        let server = Server::start().map_err(failed)?;
        let database = server.database().map_err(failed)?;
        let conn = PgConnection::establish(database.url()).map_err(|error| {
            let reason = reason_without_url(database.url(), &error);
            Failure::new(
                Kind::Unreachable,
                format!("can't connect to the throwaway server: {reason}"),
            )
        })?;
        let mut connection = Connection {
            conn,
            _scratch: Some((database, server)),
        };
        connection.run(mailglass::migrations::run)?;
        Ok(connection)
    }

    /// Runs `work`. If it fails, finds the reason.
    pub(crate) fn run<T>(
        &mut self,
        work: impl FnOnce(&mut PgConnection) -> mailglass::Result<T>,
    ) -> Result<T, Failure> {
        work(&mut self.conn).map_err(|error| diagnosis::diagnose(&mut self.conn, error))
    }
}
