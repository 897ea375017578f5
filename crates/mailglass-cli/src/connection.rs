//! The database that a command works on: the one that a URL names, or a throwaway one.

use clap::Args;
use diesel::Connection as _;
use diesel::prelude::*;
use scratch_postgres::{Database, Server, reason_without_url};

use crate::diagnosis;
use crate::failure::{Failure, Kind};

#[derive(Args)]
pub(crate) struct DatabaseOptions {
    /// The database: a URL, or libpq's `key=value` words.
    ///
    /// Whatever libpq understands: postgresql://user@host/database, with `?options=-csearch_path%3Dmail` where mailglass is
    /// in another schema, or `host=… dbname=…`. What it leaves out comes from PGHOST, PGPASSWORD and so on.
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
            Failure::new(Kind::Usage, "no database is named").hint("give --database-url, or set DATABASE_URL")
        })?;
        let conn = PgConnection::establish(url).map_err(|error| {
            let reason = reason_without_url(url, &error);
            Failure::new(Kind::Unreachable, format!("can't connect to the database: {reason}"))
                .hint("check --database-url or DATABASE_URL, and whether the server runs")
        })?;
        Ok(Connection { conn, _scratch: None })
    }

    /// Connects, and makes sure that the tables are there.
    pub(crate) fn connect_to_migrated(&self) -> Result<Connection, Failure> {
        let mut connection = self.connect()?;
        let there = connection.run(diagnosis::tables)?;
        if there.len() == diagnosis::promised_tables().len() {
            Ok(connection)
        } else {
            Err(diagnosis::not_migrated())
        }
    }

    /// The same, and that this release migrated them.
    pub(crate) fn connect_to_this_release(&self) -> Result<Connection, Failure> {
        let mut connection = self.connect_to_migrated()?;
        match connection.run(diagnosis::of_another_release)? {
            None => Ok(connection),
            Some(failure) => Err(failure),
        }
    }
}

/// A connection, and with it the throwaway server that it leads to, if it does.
pub(crate) struct Connection {
    // The order matters: the connection is closed before the server goes.
    conn: PgConnection,
    _scratch: Option<(Database, Server)>,
}

impl Connection {
    /// A database on a throwaway server, migrated by this release. Both go with the value, or with the process.
    pub(crate) fn to_scratch() -> Result<Connection, Failure> {
        let failed = |error: scratch_postgres::Error| {
            Failure::failed(format!("no throwaway server: {error}"))
                .hint("install PostgreSQL's server programs (Debian: `apt-get install postgresql`)")
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

    /// Does something with the database, and where it fails, finds out why.
    pub(crate) fn run<T>(
        &mut self,
        work: impl FnOnce(&mut PgConnection) -> mailglass::Result<T>,
    ) -> Result<T, Failure> {
        work(&mut self.conn).map_err(|error| diagnosis::diagnose(&mut self.conn, error))
    }
}
