//! Runs the program as a process and captures its output.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio};

use diesel::prelude::*;
use diesel::sql_query;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use scratch_postgres::Database;
use serde_json::Value;

/// The program, without the environment variables that it reads.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mailglass"));
    for variable in ["DATABASE_URL", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "PGPASSWORD"] {
        command.env_remove(variable);
    }
    command
}

pub fn program_on(database: &Database) -> Command {
    let mut command = program();
    command.env("DATABASE_URL", database.url());
    command
}

pub fn run(database: &Database, arguments: &[&str]) -> Answer {
    answer(program_on(database).args(arguments))
}

pub fn answer(command: &mut Command) -> Answer {
    Answer::new(command.stdin(Stdio::null()).output().unwrap())
}

#[derive(Debug)]
pub struct Answer {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Answer {
    pub fn new(output: Output) -> Answer {
        Answer {
            code: output.status.code().expect("it wasn't killed"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Checks the exit code, and that nothing panicked.
    #[track_caller]
    pub fn exits(self, code: i32) -> Answer {
        assert_eq!(self.code, code, "{self:#?}");
        assert!(!self.stderr.contains("panicked"), "{self:#?}");
        self
    }

    /// Checks that standard error contains a text.
    #[track_caller]
    pub fn says(self, words: &str) -> Answer {
        assert!(self.stderr.contains(words), "{words}: {self:#?}");
        self
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// The `error` object of `--json`.
    pub fn error(&self) -> Value {
        let error: Value = serde_json::from_str(&self.stderr).unwrap_or_else(|error| panic!("{error}: {self:#?}"));
        assert_eq!(self.stdout, "");
        error["error"].clone()
    }

    /// The tables of plain output, each with its header.
    pub fn tables<'a>(&'a self) -> Vec<Vec<Vec<&'a str>>> {
        let rows = |table: &'a str| table.lines().map(|line| line.split('\t').collect()).collect();
        self.stdout.split("\n\n").map(rows).collect()
    }
}

/// The running program.
pub struct Running {
    child: Child,
    pub stdout: BufReader<ChildStdout>,
    pub stderr: BufReader<ChildStderr>,
}

impl Running {
    pub fn start(command: &mut Command) -> Running {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Running {
            stdout: BufReader::new(child.stdout.take().unwrap()),
            stderr: BufReader::new(child.stderr.take().unwrap()),
            child,
        }
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).unwrap();
    }

    /// Reads standard output up to a line with this text.
    pub fn wait_for(&mut self, words: &str) -> String {
        line_with(&mut self.stdout, words)
    }

    /// Reads standard error up to a line with this text.
    pub fn wait_for_word(&mut self, words: &str) -> String {
        line_with(&mut self.stderr, words)
    }

    /// The remaining output, and the exit code.
    pub fn end(self) -> Answer {
        let Running {
            mut child,
            mut stdout,
            mut stderr,
        } = self;
        let said = std::io::read_to_string(&mut stdout).unwrap();
        let complained = std::io::read_to_string(&mut stderr).unwrap();
        let status = child.wait().unwrap();
        Answer {
            code: status.code().expect("it wasn't killed"),
            stdout: said,
            stderr: complained,
        }
    }
}

fn line_with(from: &mut impl BufRead, words: &str) -> String {
    let mut read = String::new();
    loop {
        let mut line = String::new();
        let length = from.read_line(&mut line).unwrap();
        assert!(length > 0, "it ended without a word of {words:?}: {read}");
        if line.contains(words) {
            return line;
        }
        read += &line;
    }
}

pub fn execute(conn: &mut PgConnection, statement: &str) -> usize {
    sql_query(statement)
        .execute(conn)
        .unwrap_or_else(|error| panic!("{error}: {statement}"))
}

/// Waits until a condition is true for a session in the database of the connection.
pub fn wait_until(conn: &mut PgConnection, condition: &str) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    let sessions = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
                    AND backend_type = 'client backend'";
    let condition = diesel::dsl::sql::<diesel::sql_types::Bool>(&format!("EXISTS (SELECT {sessions} AND {condition})"));
    while !diesel::select(condition.clone()).get_result::<bool>(conn).unwrap() {
        assert!(std::time::Instant::now() < deadline, "it never came to that");
        std::thread::yield_now();
    }
}

/// Waits until a session waits for a lock.
pub fn wait_until_blocked(conn: &mut PgConnection) {
    wait_until(conn, "wait_event_type = 'Lock'");
}
