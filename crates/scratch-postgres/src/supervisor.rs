//! The process that owns a throwaway server. See `supervisor.sh`.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::{Mutex, PoisonError};

use crate::error::Error;
use crate::user::ServerUser;

/// A running throwaway server. Dropping it stops the server and removes its directory.
pub(crate) struct Supervisor {
    shell: Child,
    /// The pipe to the shell, whose closing stops the server, and the pipe from the shell.
    pipes: Mutex<Option<Pipes>>,
    directory: PathBuf,
}

struct Pipes {
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Supervisor {
    /// Starts the server whose binaries are in `bin` with these settings, and returns when it accepts connections.
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
            // Ctrl-C in a terminal goes to a whole process group. The shell must continue, to clean up.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // With our stderr, a program that reads it to the end would wait for the server.
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
                // The shell cleans up and ends by itself.
                let _ = shell.wait();
                Err(error)
            }
        }
    }

    /// Kills all processes of the server, starts it again from `bin`, and returns when it accepts connections.
    pub(crate) fn crash(&self, bin: &Path) -> Result<(), Error> {
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        let pipes = pipes.as_mut().ok_or(Error::NotThrowaway)?;
        pipes.orders.write_all(b"crash\n").map_err(Error::Supervisor)?;
        pipes.answer(bin).map(drop)
    }

    /// The directory of the server's data, log and socket.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.pipes.lock().unwrap_or_else(PoisonError::into_inner).take();
        // The shell ends after it has removed the directory.
        let _ = self.shell.wait();
    }
}

impl Pipes {
    /// Reads the server's directory, or the reason why the server isn't running.
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
            log: if log.is_empty() { "(empty)".to_owned() } else { log },
        })
    }
}
