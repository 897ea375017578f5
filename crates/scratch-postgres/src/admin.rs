//! The connection on which databases are created and dropped.

use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::{BigInt, Text};
use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl as _, sql_query};

use crate::error::{Error, reason_without_url};
use crate::target;

/// Selects the databases of runs that have ended. A database's name contains the id of its run, and
/// each run keeps a connection open whose application name contains the id.
const LEFTOVERS: &str = r"
    SELECT d.datname::text AS value
      FROM pg_database d
     WHERE d.datname ~ '^scratch_[0-9a-f]{12,}_[0-9]+$'
       AND d.datdba = (SELECT oid FROM pg_roles WHERE rolname = current_user)
       AND NOT EXISTS (
               SELECT FROM pg_stat_activity a
                WHERE a.application_name = 'scratch_pg_' || split_part(d.datname, '_', 2))";

/// A server's connection string and an open connection to it.
pub(crate) struct Admin {
    connection_string: String,
    // Threads take turns. A statement takes about 40 ms.
    connection: Mutex<PgConnection>,
    version: String,
}

#[derive(QueryableByName)]
struct OneText {
    #[diesel(sql_type = Text)]
    value: String,
}

#[derive(QueryableByName)]
struct OneCount {
    #[diesel(sql_type = BigInt)]
    value: i64,
}

impl Admin {
    /// Connects. `server` names the server in an error message.
    pub(crate) fn connect(connection_string: String, server: &'static str) -> Result<Self, Error> {
        let mut connection = establish(&connection_string, server)?;
        let version: OneText = sql_query("SELECT current_setting('server_version') AS value")
            .get_result(&mut connection)
            .map_err(|source| Error::Statement {
                action: "read the server's version".to_owned(),
                source,
            })?;
        // On Debian, the setting is "15.18 (Debian 15.18-0+deb12u1)".
        let version = version.value.split_whitespace().next().unwrap_or_default().to_owned();
        Ok(Self {
            connection_string,
            connection: Mutex::new(connection),
            version,
        })
    }

    /// Reconnects to a restarted server.
    pub(crate) fn reconnect(&self, server: &'static str) -> Result<(), Error> {
        *self.connection() = establish(&self.connection_string, server)?;
        Ok(())
    }

    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// The connection string of the database `name`.
    pub(crate) fn url_of(&self, name: &str) -> String {
        target::with_database(&self.connection_string, name)
    }

    /// Creates a copy of the database `template` and returns its name.
    pub(crate) fn create(&self, template: &str) -> Result<String, Error> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let name = format!("scratch_{}_{}", run(), NEXT.fetch_add(1, Ordering::Relaxed));
        self.connection()
            .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}"))
            .map_err(|source| Error::CreateDatabase {
                template: template.to_owned(),
                source,
            })?;
        Ok(name)
    }

    /// Drops a database and terminates its connections. A failure is ignored: either the server has
    /// stopped, or the next run drops the database.
    pub(crate) fn drop_database(&self, name: &str) {
        let _ = self
            .connection()
            .batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
    }

    /// Drops the databases of runs that were killed.
    pub(crate) fn drop_leftovers(&self) {
        let leftovers = sql_query(LEFTOVERS).load::<OneText>(&mut *self.connection());
        for database in leftovers.unwrap_or_default() {
            self.drop_database(&database.value);
        }
    }

    /// Waits until no client is connected to `name`. The backend of a closed connection ends with a delay.
    pub(crate) fn wait_until_unused(&self, name: &str) -> Result<(), Error> {
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            let connections = sql_query(
                "SELECT count(*) AS value FROM pg_stat_activity
                  WHERE datname = $1 AND backend_type = 'client backend'",
            )
            .bind::<Text, _>(name)
            .get_result::<OneCount>(&mut *self.connection())
            .map_err(|source| Error::Statement {
                action: format!("count the connections to {name}"),
                source,
            })?
            .value;
            if connections == 0 {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(Error::TemplateInUse { connections });
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn connection(&self) -> MutexGuard<'_, PgConnection> {
        // A panic of another thread does not make the connection unusable.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn establish(connection_string: &str, server: &'static str) -> Result<PgConnection, Error> {
    let mut connection = PgConnection::establish(connection_string).map_err(|error| Error::Connect {
        server,
        reason: reason_without_url(connection_string, &error),
    })?;
    // The name shows other runs that this run is alive, so it is set before the first database is created.
    connection
        .batch_execute(&format!("SET application_name = 'scratch_pg_{}'", run()))
        .map_err(|source| Error::Statement {
            action: "set the connection's application name".to_owned(),
            source,
        })?;
    Ok(connection)
}

/// The id of this run, which is unique among all processes that use the same server.
fn run() -> &'static str {
    static RUN: OnceLock<String> = OnceLock::new();
    RUN.get_or_init(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        format!("{:x}{:06x}", now.as_micros(), process::id())
    })
}
