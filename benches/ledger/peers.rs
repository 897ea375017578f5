//! What a user could use instead: `append` and `record` beside other libraries, in one run.
//!
//! A peer is a program that reads a line for each batch and answers with the seconds that the insert took: see
//! `benches/peers`. A peer that can't be installed is left out.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};
use scratch_postgres::Database;

use crate::batches;
use crate::bench::{Bench, connect};
use crate::data::{self, Shape};
use crate::measure::{Contender, Run, rates};
use crate::table::Table;

const BATCH: usize = 1_000;

struct Peer {
    /// The name in the table.
    name: &'static str,
    language: Language,
    /// The argument of the program in Rust, or the file in Python.
    program: &'static str,
    /// Whether it inserts into our table, and not into one of its own.
    uses_our_table: bool,
}

enum Language {
    Rust,
    Python,
}

const PEERS: [Peer; 5] = [
    Peer {
        name: "sqlx, UNNEST",
        language: Language::Rust,
        program: "sqlx",
        uses_our_table: true,
    },
    Peer {
        name: "postgres-es",
        language: Language::Rust,
        program: "postgres-es",
        uses_our_table: false,
    },
    Peer {
        name: "psycopg, COPY",
        language: Language::Python,
        program: "psycopg_copy.py",
        uses_our_table: true,
    },
    Peer {
        name: "Django",
        language: Language::Python,
        program: "django_bulk_create.py",
        uses_our_table: true,
    },
    Peer {
        name: "SQLAlchemy",
        language: Language::Python,
        program: "sqlalchemy_insert.py",
        uses_our_table: true,
    },
];

pub fn table(bench: &Bench) -> Table {
    let (rust, python) = (build_rust(), install_python());
    let steps = 20 / bench.divisor;
    let warm_up = fingerprint(bench, steps);
    let mut contenders = batches::beside_peers(bench, steps, BATCH);
    let mut left_out = Vec::new();
    for peer in &PEERS {
        let installed = match peer.language {
            Language::Rust => &rust,
            Language::Python => &python,
        };
        match installed {
            Ok(program) => contenders.push(contender(bench, steps, &warm_up, peer, program)),
            Err(reason) => left_out.push(format!(" Left out: {} ({reason}).", peer.name)),
        }
    }
    Table {
        title: format!(
            "Events per second into an empty ledger, one connection, beside other libraries.{}",
            left_out.concat()
        ),
        unit: "per second",
        of: "COPY",
        rows: Table::rows_of(&format!("{BATCH} per batch"), &rates(bench.rounds, steps, &contenders)),
    }
}

fn contender<'a>(
    bench: &'a Bench,
    steps: usize,
    warm_up: &'a Fingerprint,
    peer: &'a Peer,
    program: &'a Path,
) -> Contender<'a> {
    Contender::new(peer.name, move || {
        let mut running = Running::start(peer, program, bench.database());
        running.insert(steps);
        if peer.uses_our_table {
            assert_eq!(&Fingerprint::of(&running.database), warm_up, "{}", peer.name);
        }
        move |step| Run::timed(BATCH, running.insert(step))
    })
}

/// The rows of a table, but for their random ids, in a form that can be compared.
#[derive(Debug, PartialEq, QueryableByName)]
struct Fingerprint {
    #[diesel(sql_type = BigInt)]
    rows: i64,
    #[diesel(sql_type = Text)]
    md5: String,
}

impl Fingerprint {
    fn of(database: &Database) -> Fingerprint {
        let query = "
            SELECT count(*) AS rows, md5(string_agg(row(
                tenant_id, delivery_id, type, occurred_at, idempotency_key, normalized_payload, metadata, needs_reconciliation
            )::text, ' ' ORDER BY idempotency_key)) AS md5
            FROM mailglass_events
            WHERE idempotency_key IS NOT NULL";
        let rows = sql_query(query).get_result(&mut connect(database));
        rows.expect("the rows should be read")
    }
}

/// The rows that each peer has to insert as this batch.
fn fingerprint(bench: &Bench, batch: usize) -> Fingerprint {
    let database = bench.database();
    let rows = Shape::Webhook.rows(batch * BATCH..(batch + 1) * BATCH);
    data::copy(&mut connect(&database), &rows);
    Fingerprint::of(&database)
}

/// A program that waits for batches. Dropping the value ends it.
struct Running {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    /// Dropped after the program has ended.
    database: Database,
}

impl Running {
    fn start(peer: &Peer, program: &Path, database: Database) -> Running {
        let mut command = Command::new(program);
        if let Language::Python = peer.language {
            command.arg(sources().join(peer.program));
        } else {
            command.arg(peer.program);
        }
        let mut child = command
            .arg(database.url())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the peer should start");
        let stdin = child.stdin.take().expect("the input should be a pipe");
        let stdout = BufReader::new(child.stdout.take().expect("the output should be a pipe"));
        Running {
            child,
            stdin,
            stdout,
            database,
        }
    }

    fn insert(&mut self, batch: usize) -> Duration {
        writeln!(self.stdin, "{} {BATCH}", batch * BATCH).expect("the peer should read the batch");
        let mut seconds = String::new();
        self.stdout.read_line(&mut seconds).expect("the peer should answer");
        Duration::from_secs_f64(seconds.trim().parse().expect("the peer should answer with seconds"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already if it failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers")
}

fn installed() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers")
}

/// Builds the peers that are written in Rust, and returns their program.
fn build_rust() -> Result<PathBuf, String> {
    let target = installed().join("target");
    // Remove the settings of the build of this program.
    let mut cargo = Command::new(env!("CARGO"));
    cargo.env_remove("RUSTFLAGS").current_dir(sources());
    cargo
        .args(["build", "--release", "--locked", "--quiet", "--target-dir"])
        .arg(&target);
    run(&mut cargo)?;
    Ok(target.join("release/peers"))
}

/// Installs the packages of the peers that are written in Python, and returns the interpreter.
fn install_python() -> Result<PathBuf, String> {
    let environment = installed().join("python");
    let python = environment.join("bin/python");
    let (wanted, stamp) = (sources().join("requirements.txt"), environment.join("requirements.txt"));
    if read(&wanted)? != read(&stamp).unwrap_or_default() {
        run(Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&environment))?;
        let pip = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--requirement",
        ];
        run(Command::new(&python).args(pip).arg(&wanted))?;
        // Last, so that an incomplete installation is repeated.
        fs::copy(&wanted, &stamp).map_err(|error| error.to_string())?;
    }
    Ok(python)
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Runs a command. The error is the last line that it has printed.
fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let printed = String::from_utf8_lossy(&output.stderr);
    Err(printed.trim_end().lines().last().unwrap_or("it failed").to_owned())
}
