//! The process that owns a throwaway server; `supervisor.sh` says how.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use crate::Error;
use crate::user::ServerUser;

/// A running throwaway server. Dropping it stops the server and removes its directory.
pub(crate) struct Supervisor {
    /// Its standard input is the pipe whose closing ends the server.
    shell: Child,
    directory: PathBuf,
}

impl Supervisor {
    /// Starts the server whose binaries are in `bin`, and returns when it takes connections.
    pub(crate) fn start(bin: &Path, user: &ServerUser) -> Result<Self, Error> {
        let mut shell = user
            .command("sh")
            .args(["-c", include_str!("supervisor.sh"), "scratch-postgres"])
            .arg(bin)
            // A terminal's Ctrl-C goes to a whole process group; this one has to outlive it.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Not ours: a caller that reads our stderr to its end would wait for the server.
            .stderr(Stdio::null())
            .spawn()
            .map_err(Error::Supervisor)?;

        let answer = read_answer(&mut shell);
        match answer {
            Ok(Answer::Ready(directory)) => Ok(Self { shell, directory }),
            Ok(Answer::Failed(log)) => {
                // It ends by itself, having tidied up.
                let _ = shell.wait();
                Err(Error::NotStarted {
                    bin: bin.to_owned(),
                    log,
                })
            }
            Err(error) => {
                let _ = shell.wait();
                Err(Error::Supervisor(error))
            }
        }
    }

    /// Where the server keeps its data, its log and its socket.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        // `wait` closes the pipe first. After it the directory is gone.
        let _ = self.shell.wait();
    }
}

enum Answer {
    Ready(PathBuf),
    Failed(String),
}

fn read_answer(shell: &mut Child) -> std::io::Result<Answer> {
    let Some(stdout) = shell.stdout.take() else {
        return Ok(Answer::Failed("the supervisor has no output".to_owned()));
    };
    let mut stdout = BufReader::new(stdout);
    let mut line = Vec::new();
    stdout.read_until(b'\n', &mut line)?;
    if let Some(directory) = line.trim_ascii_end().strip_prefix(b"ready ") {
        return Ok(Answer::Ready(PathBuf::from(OsStr::from_bytes(directory))));
    }
    let mut log = Vec::new();
    stdout.read_to_end(&mut log)?;
    let log = String::from_utf8_lossy(&log).trim_end().to_owned();
    Ok(Answer::Failed(if log.is_empty() {
        "(it said nothing)".to_owned()
    } else {
        log
    }))
}
