//! A server to make databases on.

use std::env;
use std::error::Error as StdError;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::admin::Admin;
use crate::binaries::{Places, major};
use crate::supervisor::Supervisor;
use crate::target;
use crate::user::ServerUser;
use crate::{Database, Error, Template};

/// The settings that make a throwaway server write for safety, for [`Server::start_with`]. By itself it doesn't, because
/// nothing on it is kept.
pub const DURABLE: [(&str, &str); 3] = [
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("full_page_writes", "on"),
];

/// A PostgreSQL server: a throwaway one, or the one that `DATABASE_URL` names.
///
/// A throwaway server ends, and everything of it is removed, when this value is dropped or when
/// the process ends in whatever way. So a static `OnceLock<Server>` is a fine place for it.
pub struct Server {
    // The order matters: the connection is closed before the server is stopped.
    admin: Arc<Admin>,
    throwaway: Option<Throwaway>,
}

struct Throwaway {
    supervisor: Supervisor,
    bin: PathBuf,
}

impl Server {
    /// The server that `DATABASE_URL` names, else a throwaway one.
    ///
    /// On a server of `DATABASE_URL` this also drops what earlier runs left when they were killed.
    pub fn from_env_or_start() -> Result<Self, Error> {
        match env::var("DATABASE_URL") {
            Ok(url) if !url.trim().is_empty() => Self::at(url),
            _ => Self::start(),
        }
    }

    /// A throwaway server, whatever `DATABASE_URL` says.
    pub fn start() -> Result<Self, Error> {
        Self::start_with(&[])
    }

    /// A throwaway server with settings of your own (`postgresql.conf`'s), which win over ours, such as [`DURABLE`].
    pub fn start_with(settings: &[(&str, &str)]) -> Result<Self, Error> {
        let user = ServerUser::find()?;
        let bin = Places::of_this_machine().server(&user)?;
        let supervisor = Supervisor::start(&bin, &user, settings)?;
        let admin = Admin::connect(target::of_socket(supervisor.directory()), "the throwaway server")?;
        Ok(Self {
            admin: Arc::new(admin),
            throwaway: Some(Throwaway { supervisor, bin }),
        })
    }

    fn at(url: String) -> Result<Self, Error> {
        let admin = Admin::connect(url, "DATABASE_URL")?;
        admin.drop_left_overs();
        Ok(Self {
            admin: Arc::new(admin),
            throwaway: None,
        })
    }

    /// Kills all processes of a throwaway server (SIGKILL: none gets to finish anything), starts it again on the same
    /// data, and returns when it takes connections. It has recovered by then from what it had written to disk.
    pub fn crash(&self) -> Result<(), Error> {
        let throwaway = self.throwaway.as_ref().ok_or(Error::NotThrowaway)?;
        throwaway.supervisor.crash(&throwaway.bin)?;
        self.admin.reconnect("the throwaway server")
    }

    /// Whether the server was started here, and so has nobody else's data on it.
    pub fn is_throwaway(&self) -> bool {
        self.throwaway.is_some()
    }

    /// The server's version, for example "15.18".
    pub fn version(&self) -> &str {
        self.admin.version()
    }

    /// Where a throwaway server keeps its data, its log and its socket.
    pub fn directory(&self) -> Option<&Path> {
        self.throwaway
            .as_ref()
            .map(|throwaway| throwaway.supervisor.directory())
    }

    /// The directory of a throwaway server's programs.
    pub fn bin(&self) -> Option<&Path> {
        self.throwaway.as_ref().map(|throwaway| throwaway.bin.as_path())
    }

    /// The path of one of PostgreSQL's programs that can deal with this server, such as "pg_dump".
    ///
    /// A throwaway server's own, if its package has it; else, for a server of `DATABASE_URL`, the
    /// first one in the usual places that is not older than the server.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        match self.bin() {
            Some(bin) => Some(bin.join(name)).filter(|program| program.is_file()),
            None => Places::of_this_machine().program(name, major(self.version())?),
        }
    }

    /// A new empty database.
    pub fn database(&self) -> Result<Database, Error> {
        // Not template1: it may hold anything, and cannot be copied while anybody is connected to it.
        Database::create(&self.admin, "template0")
    }

    /// A new database that `prepare` fills, given its URL, to be copied by
    /// [`database_from`](Self::database_from).
    ///
    /// `prepare` must have closed its connections when it returns, because PostgreSQL copies only a
    /// database that nobody is connected to.
    pub fn template<E>(&self, prepare: impl FnOnce(&str) -> Result<(), E>) -> Result<Template, Error>
    where
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let database = self.database()?;
        prepare(database.url()).map_err(|error| Error::Prepare(error.into()))?;
        self.admin.wait_until_unused(database.name())?;
        Ok(Template(database))
    }

    /// A new database with everything that `template` has.
    pub fn database_from(&self, template: &Template) -> Result<Database, Error> {
        Database::create(&self.admin, template.0.name())
    }
}

/// By hand, because the connection string may hold a password.
impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("version", &self.version())
            .field("directory", &self.directory())
            .finish_non_exhaustive()
    }
}
