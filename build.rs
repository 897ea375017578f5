//! Holds the closed sets together before anything is compiled: what stands in `api_stability.md`, in the Rust enums and in
//! the migrations, and what was released (`src/contract/check`).

use std::path::Path;
use std::{env, fs, io};

#[path = "src/contract/check/mod.rs"]
mod check;

fn main() -> io::Result<()> {
    // `embed_migrations!` reads the migrations, too, and Cargo doesn't see that.
    for path in check::READS {
        println!("cargo::rerun-if-changed={path}");
    }
    match check::check(&check::Inputs::read(Path::new("."), env!("CARGO_PKG_VERSION"))) {
        Ok(contract) => {
            let folder = env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?;
            for (name, code) in contract.generated() {
                fs::write(Path::new(&folder).join(name), code)?;
            }
            fs::write(Path::new(&folder).join("migration_files.rs"), migration_files()?)?;
        }
        Err(findings) => check::report(&findings)
            .lines()
            .for_each(|line| println!("cargo::error={line}")),
    }
    Ok(())
}

/// `migrations::FILES`: the text of the migrations, which `embed_migrations!` keeps to itself, as a whole and by statements.
fn migration_files() -> io::Result<String> {
    let mut folders = Vec::new();
    for entry in fs::read_dir("migrations")? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            folders.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    folders.sort_unstable();
    let mut code = String::from("&[\n");
    for folder in folders {
        let (version, name) = folder.split_once('_').unwrap_or((&folder, ""));
        let version = version.replace('-', "");
        code += &format!("MigrationFiles {{ version: {version:?}, name: {name:?}");
        for file in ["up", "down"] {
            let path = format!("/migrations/{folder}/{file}.sql");
            code += &format!(", {file}_sql: include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {path:?}))");
            let text = fs::read_to_string(&path[1..])?;
            let statements =
                check::split(&text).map_err(|error| io::Error::other(format!("{path}: {}", error.what)))?;
            code += &format!(", {file}_statements: &{statements:?}");
        }
        code += " },\n";
    }
    Ok(code + "]")
}
