//! The process that owns a throwaway server; `supervisor.sh` says how.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::{Mutex, PoisonError};

use crate::Error;
use crate::user::ServerUser;

/// A running throwaway server. Dropping it stops the server and removes its directory.
pub(crate) struct Supervisor {
    shell: Child,
    /// The pipe whose closing ends the server, and the one on which the shell answers.
    pipes: Mutex<Option<Pipes>>,
    directory: PathBuf,
}

struct Pipes {
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Supervisor {
    /// Starts the server whose binaries are in `bin` with these settings, and returns when it takes connections.
    pub(crate) fn start(bin: &Path, user: &ServerUser, settings: &[(&str, &str)]) -> Result<Self, Error> {
        let mut shell = user
            .command("sh")
            .args(["-c", include_str!("supervisor.sh"), "scratch-postgres"])
            .arg(bin)
            .args(
                settings
                    .iter()
                    .flat_map(|(name, value)| ["-c".to_owned(), format!("{name}={value}")]),
            )
            // A terminal's Ctrl-C goes to a whole process group; this one has to outlive it.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Not ours: a caller that reads our stderr to its end would wait for the server.
            .stderr(Stdio::null())
            .spawn()
            .map_err(Error::Supervisor)?;

        let (Some(orders), Some(answers)) = (shell.stdin.take(), shell.stdout.take()) else {
            return Err(Error::Supervisor(std::io::ErrorKind::BrokenPipe.into()));
        };
        let mut pipes = Pipes {
            orders,
            answers: BufReader::new(answers),
        };
        match pipes.answer(bin) {
            Ok(directory) => Ok(Self {
                shell,
                pipes: Mutex::new(Some(pipes)),
                directory,
            }),
            Err(error) => {
                drop(pipes);
                // It ends by itself, having tidied up.
                let _ = shell.wait();
                Err(error)
            }
        }
    }

    /// Kills all of the server's processes and starts it again from `bin`; returns when it takes connections.
    pub(crate) fn crash(&self, bin: &Path) -> Result<(), Error> {
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        let pipes = pipes.as_mut().ok_or(Error::NotThrowaway)?;
        pipes.orders.write_all(b"crash\n").map_err(Error::Supervisor)?;
        pipes.answer(bin).map(drop)
    }

    /// Where the server keeps its data, its log and its socket.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.pipes.lock().unwrap_or_else(PoisonError::into_inner).take();
        // After it the directory is gone.
        let _ = self.shell.wait();
    }
}

impl Pipes {
    /// The server's directory, or why it isn't running.
    fn answer(&mut self, bin: &Path) -> Result<PathBuf, Error> {
        let mut line = Vec::new();
        self.answers.read_until(b'\n', &mut line).map_err(Error::Supervisor)?;
        if let Some(directory) = line.trim_ascii_end().strip_prefix(b"ready ") {
            return Ok(PathBuf::from(OsStr::from_bytes(directory)));
        }
        let mut log = Vec::new();
        self.answers.read_to_end(&mut log).map_err(Error::Supervisor)?;
        let log = String::from_utf8_lossy(&log).trim_end().to_owned();
        Err(Error::NotStarted {
            bin: bin.to_owned(),
            log: if log.is_empty() {
                "(it said nothing)".to_owned()
            } else {
                log
            },
        })
    }
}
