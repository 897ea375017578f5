//! Helpers that the tests share.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use diesel::sql_types::Text;
use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl as _, sql_query};
use scratch_postgres::Server;

/// The throwaway server that the tests share. It stops when the process ends.
pub(crate) fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::start().unwrap())
}

pub(crate) fn connect(url: &str) -> PgConnection {
    PgConnection::establish(url).unwrap()
}

/// The column `value` of each row of `query`.
pub(crate) fn texts(connection: &mut PgConnection, query: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        value: String,
    }
    let rows: Vec<Row> = sql_query(query).load(connection).unwrap();
    rows.into_iter().map(|row| row.value).collect()
}

pub(crate) fn database_exists(server: &Server, name: &str) -> bool {
    let any = server.database().unwrap();
    let mut connection = connect(any.url());
    let query = format!("SELECT datname::text AS value FROM pg_database WHERE datname = '{name}'");
    !texts(&mut connection, &query).is_empty()
}

/// Waits until `holds` returns true.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "timed out after 30 s: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// The environment variable with the role of a process that a test has started.
const ROLE: &str = "SCRATCH_POSTGRES_TEST_ROLE";

/// The role of this process, if it was started by [`this_program_as`].
pub(crate) fn role() -> Option<String> {
    env::var(ROLE).ok()
}

/// A command that runs only the test `name` of `program`, which is this program or a copy.
pub(crate) fn run_only(program: impl AsRef<OsStr>, name: &str, role: &str) -> Command {
    let mut command = Command::new(program);
    command
        .args(["--exact", name, "--nocapture"])
        .env(ROLE, role)
        .env_remove("DATABASE_URL")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

pub(crate) fn this_program_as(name: &str, role: &str) -> Command {
    run_only(env::current_exe().unwrap(), name, role)
}

/// Prints a value for the process that started this one, which reads it with [`reported`].
pub(crate) fn report(key: &str, value: impl std::fmt::Display) {
    // The test harness has printed a line without a line feed.
    println!("\nvalue:{key}={value}");
}

/// Reads the values of `keys`, in the order in which the child prints them.
pub(crate) fn reported<const N: usize>(child: &mut Child, keys: [&str; N]) -> [String; N] {
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    keys.map(|key| {
        let start = format!("value:{key}=");
        lines
            .by_ref()
            .map(Result::unwrap)
            .find_map(|line| line.strip_prefix(&start).map(str::to_owned))
            .unwrap_or_else(|| panic!("the child ended without printing its {key}"))
    })
}

/// A directory that every user can enter, which is removed on drop.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        // Not in TMPDIR, which other users may be unable to enter.
        let path = PathBuf::from(format!("/tmp/scratch-test.{}.{n}", std::process::id()));
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
