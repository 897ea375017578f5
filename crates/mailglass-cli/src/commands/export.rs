//! `mailglass migrations export`.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};

use chrono::{NaiveDateTime, TimeDelta, Utc};
use clap::Args;
use mailglass::migrations::{FILES, MigrationFiles};
use serde_json::json;

use crate::failure::{Failure, Kind};
use crate::interrupt;
use crate::output::{Cell, Output, Tone, count};

const LONG: &str = "\
Write the migrations into your own migrations folder, so that the Diesel CLI applies them with yours.

Each migration becomes a folder such as 2026-11-22-120000_mailglass_create_events with up.sql and down.sql, dated after the last \
migration in the folder. Run the command again with every new release of mailglass: it recognizes exported migrations by the \
name behind the date and adds only new ones. It overwrites nothing, and reports files of an earlier export that were changed.

The copies have versions of their own. Don't use `mailglass migrate` or mailglass::migrations::run with such a database: they \
would apply everything a second time, and fail.";

const AFTER: &str = "\
Example:
  mailglass migrations export migrations && diesel migration run";

/// Write the migrations into your own migrations folder.
#[derive(Args)]
#[command(long_about = LONG, after_help = AFTER)]
pub(crate) struct Export {
    /// Your migrations folder.
    dir: PathBuf,
}

/// The format of the dates that `diesel migration generate` writes.
const DATE: &str = "%Y-%m-%d-%H%M%S";

impl Export {
    pub(crate) fn run(self, output: &mut Output) -> Result<ExitCode, Failure> {
        interrupt::work_in_steps();
        let folders = folders(&self.dir)?;
        let mut date = first_date(&folders)?;
        let mut exported = Vec::new();
        for migration in FILES {
            let suffix = format!("_mailglass_{}", migration.name);
            let known = folders.iter().find(|folder| {
                let name = folder.strip_prefix(version_of(folder)).unwrap_or_default();
                name == suffix
            });
            let (folder, is_new) = match known {
                Some(folder) => (folder.clone(), false),
                None => (format!("{}{suffix}", date.format(DATE)), true),
            };
            if is_new {
                write(&self.dir, &folder, migration)?
            } else {
                compare(&self.dir.join(&folder), migration)?
            }
            if is_new {
                date += TimeDelta::seconds(1);
            }
            exported.push((folder, is_new));
            if interrupt::is_requested() {
                let message = format!(
                    "interrupted after {} of {}",
                    exported.len(),
                    count(FILES.len(), "migration", "migrations")
                );
                return Err(Failure::new(Kind::Interrupted, message).hint("run the command again to add the rest"));
            }
        }
        show(&exported, output)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The names of the existing migrations.
fn folders(dir: &Path) -> Result<Vec<String>, Failure> {
    let unreadable = |error: io::Error| {
        Failure::failed(format!("can't read {}: {error}", dir.display()))
            .hint("give your migrations folder; `diesel setup` creates one")
    };
    let mut folders = Vec::new();
    for entry in fs::read_dir(dir).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // Diesel ignores hidden folders as well.
        if entry.path().is_dir() && !name.starts_with('.') {
            folders.push(name);
        }
    }
    folders.sort_unstable();
    Ok(folders)
}

fn version_of(folder: &str) -> &str {
    folder.split_once('_').map_or(folder, |(version, _)| version)
}

/// Now, or one second after the last migration. Diesel compares versions as text, without the hyphens.
fn first_date(folders: &[String]) -> Result<NaiveDateTime, Failure> {
    let now = Utc::now().naive_utc();
    let Some(last) = folders.iter().map(|folder| version_of(folder).replace('-', "")).max() else {
        return Ok(now);
    };
    if last < now.format(DATE).to_string().replace('-', "") {
        return Ok(now);
    }
    let date = NaiveDateTime::parse_from_str(&last, "%Y%m%d%H%M%S").map_err(|_| {
        Failure::failed(format!("the version of the migration {last} is no date"))
            .hint("name your migrations by date, as `diesel migration generate` does")
    })?;
    Ok(date + TimeDelta::seconds(1))
}

fn files(migration: &MigrationFiles) -> [(&'static str, &'static str); 2] {
    [("up.sql", migration.up_sql), ("down.sql", migration.down_sql)]
}

fn compare(folder: &Path, migration: &MigrationFiles) -> Result<(), Failure> {
    for (name, expected) in files(migration) {
        let path = folder.join(name);
        let found = fs::read_to_string(&path).map_err(|error| Failure::of_file(&path, &error))?;
        if found != expected {
            let message = format!("{} differs from what this release writes", path.display());
            return Err(Failure::failed(message).hint("undo the change, and make it in a migration of your own"));
        }
    }
    Ok(())
}

/// Writes both files or none: first into a hidden folder, which Diesel ignores, and then renames it.
fn write(dir: &Path, folder: &str, migration: &MigrationFiles) -> Result<(), Failure> {
    let draft = dir.join(format!(".mailglass-{}", process::id()));
    // A killed process with the same id may have left it.
    let _ = fs::remove_dir_all(&draft);
    let written = write_draft(&draft, migration)
        .and_then(|()| fs::rename(&draft, dir.join(folder)))
        .map_err(|error| Failure::of_file(&dir.join(folder), &error));
    if written.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_dir_all(&draft);
    }
    written
}

fn write_draft(draft: &Path, migration: &MigrationFiles) -> io::Result<()> {
    fs::create_dir(draft)?;
    for (name, text) in files(migration) {
        let mut file = File::create(draft.join(name))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
    }
    Ok(())
}

fn show(exported: &[(String, bool)], output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        let folders = |is_new| -> Vec<&str> {
            let matching = exported.iter().filter(|migration| migration.1 == is_new);
            matching.map(|migration| migration.0.as_str()).collect()
        };
        return output.document(&json!({"written": folders(true), "already_there": folders(false)}));
    }
    let row = |(folder, is_new): &(String, bool)| {
        let state = if *is_new {
            Cell::toned("written", Tone::Good)
        } else {
            Cell::from("already there")
        };
        [folder.into(), state]
    };
    output.table("Migrations", ["folder", "state"], exported.iter().map(row).collect())
}
