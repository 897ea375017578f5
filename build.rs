//! Checks the closed sets before the crate is compiled, and generates Rust from `api_stability.md` and the migrations.

use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let check = closed_sets::Check::new()
        .manifest("api_stability.md")
        .rust_file("src/models/closed_sets.rs")
        .migrations("migrations")
        .releases("api");
    // After findings, Cargo fails the build.
    let Some(contract) = check.run() else { return Ok(()) };
    let folder = env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?;
    contract.write_rust(&folder)?;
    fs::write(Path::new(&folder).join("migration_files.rs"), migration_files()?)
}

/// The value of `migrations::FILES`: each migration's text, whole and split into statements. `embed_migrations!` does not
/// give access to the text.
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
        let mut is_of_types = true;
        for file in ["up", "down"] {
            let path = format!("/migrations/{folder}/{file}.sql");
            code += &format!(", {file}_sql: include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {path:?}))");
            let text = fs::read_to_string(&path[1..])?;
            let statements = closed_sets::split_statements(&text)
                .map_err(|error| io::Error::other(format!("{}: {error}", &path[1..])))?;
            is_of_types &= statements.iter().all(|statement| is_type_statement(statement));
            code += &format!(", {file}_statements: &{statements:?}");
        }
        code += &format!(", is_of_types: {is_of_types} }},\n");
    }
    Ok(code + "]")
}

/// Whether a statement creates, changes, describes or drops a type.
fn is_type_statement(statement: &str) -> bool {
    let words: Vec<&str> = statement.split_whitespace().take(3).collect();
    matches!(
        words[..],
        ["CREATE" | "ALTER" | "DROP", "TYPE", ..] | ["COMMENT", "ON", "TYPE"]
    )
}
