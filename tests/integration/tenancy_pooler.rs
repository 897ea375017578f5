//! Scopes behind a pooler that assigns server connections per transaction: PgBouncer, in transaction mode.
//!
//! The tests are ignored, because they need the program `pgbouncer` (Debian: `apt-get install pgbouncer`). `cargo xtask ci pooler`
//! runs them: `cargo test --test integration -- --ignored tenancy_pooler`.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use diesel::connection::{CacheSize, Connection as _, SimpleConnection as _};
use diesel::prelude::*;
use mailglass::roles::{self, Access};
use mailglass::schema::mailglass_deliveries;
use mailglass::tenancy::{self, scoped};
use mailglass::{Delivery, Error, EventType, NewDelivery, NewEvent, Result, Stream, ledger};

use crate::support::every_call::every_call;
use crate::support::proxy::with_socket;
use crate::support::role::Role;
use crate::support::{at, backend_pid, connect};

const PORT: u16 = 6432;

/// A running PgBouncer. It is stopped with the value.
struct Pooler {
    process: Child,
    folder: PathBuf,
}

impl Pooler {
    /// Starts PgBouncer before a database, with one pool of `connections` for all clients, which log in as `user`.
    fn start(server: &str, database: &str, user: &str, connections: usize) -> Self {
        let folder = std::env::temp_dir().join(format!("pgb{}", uuid::Uuid::now_v7().simple()));
        fs::create_dir(&folder).unwrap();
        // PgBouncer does not run as root. The directory has nothing secret.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        let prepared = if supports_prepared_statements() {
            "max_prepared_statements = 100"
        } else {
            ""
        };
        let folder_name = folder.display();
        let configuration = format!(
            "[databases]\npooled = {server} dbname={database} user={user}\n\
             [pgbouncer]\nlisten_port = {PORT}\nunix_socket_dir = {folder_name}\nauth_type = any\npool_mode = transaction\n\
             default_pool_size = {connections}\n{prepared}\n"
        );
        let file = folder.join("pgbouncer.ini");
        fs::write(&file, configuration).unwrap();
        let process = Command::new("pgbouncer")
            .arg("-q")
            .args(unprivileged_user().into_iter().flat_map(|user| ["-u", user]))
            .arg(&file)
            .stderr(Stdio::null())
            .spawn()
            .expect("PgBouncer should start: install it (Debian: apt-get install pgbouncer)");
        let pooler = Pooler { process, folder };
        let deadline = Instant::now() + Duration::from_secs(30);
        while PgConnection::establish(&pooler.url()).is_err() {
            assert!(
                Instant::now() < deadline,
                "PgBouncer did not accept a connection within 30 s"
            );
            thread::yield_now();
        }
        pooler
    }

    fn url(&self) -> String {
        format!("host={} port={PORT} user=client dbname=pooled", self.folder.display())
    }

    fn client(&self) -> PgConnection {
        PgConnection::establish(&self.url()).unwrap()
    }

    /// A client with the setting that `docs/tenants.md` names.
    fn client_without_cache(&self) -> PgConnection {
        let mut conn = self.client();
        conn.set_prepared_statement_cache_size(CacheSize::Disabled);
        conn
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The user that runs the servers of the tests if this process is root. Only that user may enter the directory of their socket.
fn unprivileged_user() -> Option<&'static str> {
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let user = if users.contains("postgres:") {
        "postgres"
    } else {
        "nobody"
    };
    is_root.then_some(user)
}

/// Since 1.21, PgBouncer can keep track of prepared statements.
fn supports_prepared_statements() -> bool {
    let output = Command::new("pgbouncer").arg("--version").output();
    let output = output.expect("PgBouncer should run: install it (Debian: apt-get install pgbouncer)");
    let text = String::from_utf8(output.stdout).unwrap();
    let version = text
        .lines()
        .next()
        .and_then(|line| line.rsplit(' ').next())
        .unwrap_or_default();
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    (numbers.next(), numbers.next()) >= (Some(1), Some(21))
}

/// The keywords of a server's URL that name its address.
fn address(url: &str) -> String {
    let (_, parameters) = url.split_once('?').unwrap_or_default();
    let named = parameters.split('&').filter_map(|parameter| parameter.split_once('='));
    let named = named.filter(|(name, _)| ["host", "port"].contains(name));
    named
        .map(|(name, value)| format!("{name}={} ", value.replace("%2F", "/")))
        .collect()
}

fn visible(conn: &mut PgConnection) -> Result<Vec<String>> {
    Ok(mailglass_deliveries::table
        .select(mailglass_deliveries::tenant_id)
        .distinct()
        .load(conn)?)
}

/// A round of an application for one tenant, each time with another delivery.
fn round(conn: &mut PgConnection, tenant: &str) -> Result<()> {
    let delivery = scoped(conn, tenant, |conn| {
        let new = NewDelivery::new(tenant, "welcome", Stream::Bulk, "ann@example.com");
        let delivery = new.insert(conn)?.into_delivery();
        let sent = NewEvent::new(tenant, EventType::Sent, at(1)).delivery(delivery.id);
        ledger::record(conn, &[sent])?;
        Ok::<_, Error>(delivery)
    })?;
    scoped(conn, tenant, |conn| {
        assert_eq!(Delivery::find(conn, tenant, delivery.id)?.timeline(conn)?.len(), 2);
        assert_eq!(visible(conn)?, [tenant]);
        Ok::<_, Error>(())
    })
}

#[test]
#[ignore = "needs pgbouncer: cargo xtask ci pooler"]
fn clients_that_share_a_server_connection_never_share_a_tenant() {
    let (socket, database) = with_socket();
    tenancy::enable(&mut connect(&database)).unwrap();
    // A name without spaces and quotes, as PgBouncer reads it.
    let role = Role::named(&database, format!("pooled_{}", uuid::Uuid::now_v7().simple()));
    roles::grant(&mut connect(&database), &role.name, Access::App).unwrap();
    role.execute(&format!("ALTER ROLE {} LOGIN", role.quoted()));
    let server = server_address(&socket, database.url());

    {
        let pooler = Pooler::start(&server, database.name(), &role.name, 1);
        let [mut ann, mut bob] = [(), ()].map(|()| pooler.client_without_cache());
        assert_eq!(backend_pid(&mut ann), backend_pid(&mut bob), "they share a connection");
        for _ in 0..3 {
            round(&mut ann, "acme").unwrap();
            assert_eq!(visible(&mut bob).unwrap(), [""; 0]);
            round(&mut bob, "globex").unwrap();
            assert_eq!(visible(&mut ann).unwrap(), [""; 0]);
        }
        // After an error, after a panic, and after a client that is lost within its scope.
        let failed = scoped(&mut ann, "acme", |_| {
            Err::<(), _>(Error::from(diesel::result::Error::NotFound))
        });
        assert!(failed.is_err());
        assert_eq!(visible(&mut bob).unwrap(), [""; 0]);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            scoped(&mut ann, "acme", |_| -> Result<()> {
                std::panic::resume_unwind(Box::new(()))
            })
        }));
        assert!(panicked.is_err());
        assert_eq!(visible(&mut bob).unwrap(), [""; 0]);
        ann.batch_execute("BEGIN; SELECT set_config('mailglass.tenant_id', 'acme', true)")
            .unwrap();
        drop(ann);
        assert_eq!(visible(&mut bob).unwrap(), [""; 0]);
    }
    {
        let pooler = Pooler::start(&server, database.name(), &role.name, 2);
        thread::scope(|scope| {
            for client in 0..6 {
                let pooler = &pooler;
                scope.spawn(move || {
                    let mut conn = pooler.client_without_cache();
                    for _ in 0..15 {
                        round(&mut conn, &format!("tenant {client}")).unwrap();
                        assert_eq!(visible(&mut conn).unwrap(), [""; 0]);
                    }
                });
            }
        });
    }
}

/// A cached statement has a name, which two clients would give to one server connection.
#[test]
#[ignore = "needs pgbouncer: cargo xtask ci pooler"]
fn cached_statements_need_a_pooler_that_keeps_track_of_them() {
    let (socket, database) = with_socket();
    let server = server_address(&socket, database.url());
    let pooler = Pooler::start(&server, database.name(), "postgres", 1);
    let both = |mut clients: [PgConnection; 2]| -> Result<()> {
        for _ in 0..2 {
            for conn in &mut clients {
                round(conn, "acme")?;
            }
        }
        Ok(())
    };
    both([(), ()].map(|()| pooler.client_without_cache())).unwrap();
    let cached = both([(), ()].map(|()| pooler.client()));
    assert_eq!(cached.is_ok(), supports_prepared_statements(), "{cached:?}");
}

#[test]
#[ignore = "needs pgbouncer: cargo xtask ci pooler"]
fn every_call_works_behind_a_pooler() {
    let (socket, database) = with_socket();
    let server = server_address(&socket, database.url());
    let pooler = Pooler::start(&server, database.name(), "postgres", 3);
    every_call(&mut pooler.client_without_cache()).unwrap();
}

/// The address of the server, as PgBouncer takes it.
fn server_address(socket: &std::path::Path, url: &str) -> String {
    let found = address(url);
    if found.contains("host=") {
        found
    } else {
        format!("host={} {found}", socket.display())
    }
}
