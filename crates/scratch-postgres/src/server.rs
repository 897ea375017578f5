//! The server on which databases are created.

use std::env;
use std::error::Error as StdError;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::admin::Admin;
use crate::binaries::{Places, major};
use crate::database::{Database, Template};
use crate::error::Error;
use crate::supervisor::Supervisor;
use crate::target;
use crate::user::ServerUser;

/// Settings for [`Server::start_with`] that make a throwaway server write durably. By default it does not, because its data
/// is not kept.
pub const DURABLE: [(&str, &str); 3] = [
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("full_page_writes", "on"),
];

/// A PostgreSQL server: a throwaway one, or the one of `DATABASE_URL`.
///
/// A throwaway server is stopped and removed when this value is dropped or when the process ends,
/// for whatever reason. It can therefore be kept in a static `OnceLock<Server>`.
pub struct Server {
    // The order matters: the connection closes before the server stops.
    admin: Arc<Admin>,
    throwaway: Option<Throwaway>,
}

struct Throwaway {
    supervisor: Supervisor,
    bin: PathBuf,
}

impl Server {
    /// Connects to the server of `DATABASE_URL`, or starts a throwaway server if the variable is not set.
    ///
    /// On a server of `DATABASE_URL`, this also drops the databases of earlier runs that were killed.
    pub fn from_env_or_start() -> Result<Self, Error> {
        match env::var("DATABASE_URL") {
            Ok(url) if !url.trim().is_empty() => Self::connect(url),
            _ => Self::start(),
        }
    }

    /// Starts a throwaway server, even if `DATABASE_URL` is set.
    pub fn start() -> Result<Self, Error> {
        Self::start_with(&[])
    }

    /// Starts a throwaway server with settings of `postgresql.conf`, such as [`DURABLE`]. They take precedence over the
    /// defaults.
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

    fn connect(url: String) -> Result<Self, Error> {
        let admin = Admin::connect(url, "the server of DATABASE_URL")?;
        admin.drop_leftovers();
        Ok(Self {
            admin: Arc::new(admin),
            throwaway: None,
        })
    }

    /// Kills all processes of a throwaway server with SIGKILL, starts it again on the same data, and returns when it has
    /// recovered and accepts connections.
    pub fn crash(&self) -> Result<(), Error> {
        let throwaway = self.throwaway.as_ref().ok_or(Error::NotThrowaway)?;
        throwaway.supervisor.crash(&throwaway.bin)?;
        self.admin.reconnect("the throwaway server")
    }

    /// Whether the server is a throwaway server, which holds no other data.
    pub fn is_throwaway(&self) -> bool {
        self.throwaway.is_some()
    }

    /// The version of the server, such as "15.18".
    pub fn version(&self) -> &str {
        self.admin.version()
    }

    /// The directory of a throwaway server's data, log and socket.
    pub fn directory(&self) -> Option<&Path> {
        self.throwaway
            .as_ref()
            .map(|throwaway| throwaway.supervisor.directory())
    }

    /// The directory of a throwaway server's programs.
    pub fn bin(&self) -> Option<&Path> {
        self.throwaway.as_ref().map(|throwaway| throwaway.bin.as_path())
    }

    /// The path of a program of PostgreSQL that works with this server, such as "pg_dump".
    ///
    /// For a throwaway server, it is a program of the same package. For a server of `DATABASE_URL`, it
    /// is the first one in the searched directories that is not older than the server.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        match self.bin() {
            Some(bin) => Some(bin.join(name)).filter(|program| program.is_file()),
            None => Places::of_this_machine().program(name, major(self.version())?),
        }
    }

    /// Creates an empty database.
    pub fn database(&self) -> Result<Database, Error> {
        // Not template1, which may hold objects and cannot be copied while clients are connected to it.
        Database::create(&self.admin, "template0")
    }

    /// Creates a database that [`database_from`](Self::database_from) copies. `prepare` fills it, given
    /// its URL.
    ///
    /// `prepare` must close its connections before it returns, because PostgreSQL copies a database only
    /// if no client is connected to it.
    pub fn template<E>(&self, prepare: impl FnOnce(&str) -> Result<(), E>) -> Result<Template, Error>
    where
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let database = self.database()?;
        prepare(database.url()).map_err(|error| Error::Prepare(error.into()))?;
        self.admin.wait_until_unused(database.name())?;
        Ok(Template(database))
    }

    /// Creates a copy of `template`.
    pub fn database_from(&self, template: &Template) -> Result<Database, Error> {
        Database::create(&self.admin, template.0.name())
    }
}

/// Written by hand, because the connection string may contain a password.
impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("version", &self.version())
            .field("directory", &self.directory())
            .finish_non_exhaustive()
    }
}
