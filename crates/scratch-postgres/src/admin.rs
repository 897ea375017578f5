//! The one connection on which databases are made and dropped.

use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::{BigInt, Text};
use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl as _, sql_query};

use crate::Error;
use crate::error::reason_without_url;
use crate::target;

/// Databases of runs that are over: ours by name and by owner, and nobody of their run is connected.
/// The name holds the run's id, and every run holds a session with that id in its name.
const LEFT_OVERS: &str = r"
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
    // Held by one thread at a time; a statement here takes some 40 ms.
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
    /// Connects. `of` names the server in an error message.
    pub(crate) fn connect(connection_string: String, of: &'static str) -> Result<Self, Error> {
        let mut connection = establish(&connection_string, of)?;
        let doing = |doing: &str| {
            let doing = doing.to_owned();
            move |source| Error::Statement { doing, source }
        };
        let version: OneText = sql_query("SELECT current_setting('server_version') AS value")
            .get_result(&mut connection)
            .map_err(doing("ask for the server's version"))?;
        // Debian says "15.18 (Debian 15.18-0+deb12u1)".
        let version = version.value.split_whitespace().next().unwrap_or_default().to_owned();
        Ok(Self {
            connection_string,
            connection: Mutex::new(connection),
            version,
        })
    }

    /// Connects again to a server that was started again.
    pub(crate) fn reconnect(&self, of: &'static str) -> Result<(), Error> {
        *self.connection() = establish(&self.connection_string, of)?;
        Ok(())
    }

    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// The connection string of the database `name`.
    pub(crate) fn url_of(&self, name: &str) -> String {
        target::with_database(&self.connection_string, name)
    }

    /// Makes a database as a copy of `template` and returns its name.
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

    /// Drops a database and whoever is connected to it. A failure is of no use to anybody: either
    /// the server is gone, or the next run finds a left-over.
    pub(crate) fn drop_database(&self, name: &str) {
        let _ = self
            .connection()
            .batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
    }

    /// Drops what runs that were killed have left on a server that outlived them.
    pub(crate) fn drop_left_overs(&self) {
        let left_overs = sql_query(LEFT_OVERS).load::<OneText>(&mut *self.connection());
        for database in left_overs.unwrap_or_default() {
            self.drop_database(&database.value);
        }
    }

    /// Waits until nobody is connected to `name`: a closed connection's backend takes a moment to go.
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
                doing: format!("ask who is connected to {name}"),
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
        // A panic while it was held leaves a connection that is as good as before.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn establish(connection_string: &str, of: &'static str) -> Result<PgConnection, Error> {
    let mut connection = PgConnection::establish(connection_string).map_err(|error| Error::Connect {
        of,
        reason: reason_without_url(connection_string, &error),
    })?;
    // Other runs see by this name that ours is alive, so it comes before the first database.
    connection
        .batch_execute(&format!("SET application_name = 'scratch_pg_{}'", run()))
        .map_err(|source| Error::Statement {
            doing: "name the connection".to_owned(),
            source,
        })?;
    Ok(connection)
}

/// This run's id: no other process on any machine that uses the same server has it.
fn run() -> &'static str {
    static RUN: OnceLock<String> = OnceLock::new();
    RUN.get_or_init(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        format!("{:x}{:06x}", now.as_micros(), process::id())
    })
}
