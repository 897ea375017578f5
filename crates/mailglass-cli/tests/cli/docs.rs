//! `mailglass docs`: the files, stale files, and missing notes.

mod conflict_targets;
mod edge_cases;
mod orphan;
mod own_tables;

use std::fs;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use scratch_postgres::Database;
use serde_json::Value;

use crate::folder::Folder;
use crate::program::{Answer, answer, program, run};
use test_support::{connect, connected, server};

/// The committed docs of mailglass's own schema.
fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema")
}

fn docs(database: &Database, out: &Path, arguments: &[&str]) -> Answer {
    run(
        database,
        &[&["docs", "--out", out.to_str().unwrap()], arguments].concat(),
    )
}

/// The schema.json after a change of the schema.
fn schema_after(sql: &str, arguments: &[&str]) -> Value {
    let (database, mut conn) = connected();
    conn.batch_execute(sql).unwrap();
    let out = Folder::new();
    docs(&database, out.path(), arguments).exits(0);
    schema(&out)
}

fn schema(out: &Folder) -> Value {
    serde_json::from_str(&fs::read_to_string(out.path().join("schema.json")).unwrap()).unwrap()
}

#[test]
fn the_committed_docs_are_what_the_migrations_make() {
    let (database, _) = connected();
    docs(&database, &committed(), &["--check"]).exits(0);
}

#[test]
fn the_docs_are_the_same_whatever_schema_the_tables_are_in() {
    let database = server().database().unwrap();
    let mut conn = connect(&database);
    conn.batch_execute("CREATE SCHEMA mail; SET search_path = mail")
        .unwrap();
    mailglass::migrations::run(&mut conn).unwrap();
    let name = database.name();
    conn.batch_execute(&format!("ALTER DATABASE {name} SET search_path = mail"))
        .unwrap();
    docs(&database, &committed(), &["--check"]).exits(0);
}

#[test]
fn stale_and_missing_files_fail_the_check_and_are_left_as_they_are() {
    let (database, _) = connected();
    let out = Folder::new();
    docs(&database, out.path(), &[]).exits(0);
    let dbml = out.path().join("schema.dbml");
    let edited = fs::read_to_string(&dbml).unwrap().replace("UUIDv7", "UUIDv4");
    fs::write(&dbml, &edited).unwrap();
    fs::remove_file(out.path().join("README.md")).unwrap();

    let ran = docs(&database, out.path(), &["--check"]).exits(1);
    assert!(
        ran.stdout.contains("-  id uuid [pk, not null, note: 'A UUIDv4"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("+  id uuid [pk, not null, note: 'A UUIDv7"),
        "{}",
        ran.stdout
    );
    assert_eq!(fs::read_to_string(&dbml).unwrap(), edited);
    assert!(!out.path().join("README.md").exists());

    let report = docs(&database, out.path(), &["--check", "--json"]).exits(1);
    let states: Vec<(Value, Value)> = (report.json()["files"].as_array().unwrap().iter())
        .map(|entry| (entry["file"].clone(), entry["state"].clone()))
        .filter(|entry| entry.1 != "current")
        .collect();
    assert_eq!(
        states,
        [
            ("README.md".into(), "missing".into()),
            ("schema.dbml".into(), "stale".into())
        ]
    );
}

#[test]
fn writing_again_writes_what_is_stale_and_nothing_else() {
    let (database, _) = connected();
    let out = Folder::new();
    docs(&database, out.path(), &[]).exits(0);
    let before = fs::metadata(out.path().join("schema.json"))
        .unwrap()
        .modified()
        .unwrap();
    fs::write(out.path().join("schema.dbml"), "stale").unwrap();
    let ran = docs(&database, out.path(), &["--json"]).json();
    let written: Vec<&Value> = ran["files"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|file| file["state"] == "written")
        .collect();
    assert_eq!(written.len(), 1);
    assert_eq!(written[0]["file"], "schema.dbml");
    assert_eq!(
        fs::metadata(out.path().join("schema.json"))
            .unwrap()
            .modified()
            .unwrap(),
        before
    );
    let drafts = fs::read_dir(out.path()).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with('.')
    });
    assert_eq!(drafts.count(), 0);
}

/// Every column of mailglass has facts, and their nullability agrees with the database.
#[test]
fn every_column_of_ours_has_its_rust_side() {
    let (database, _) = connected();
    let out = Folder::new();
    docs(&database, out.path(), &[]).exits(0);
    let json = schema(&out);
    for relation in json["relations"].as_array().unwrap() {
        for column in relation["columns"].as_array().unwrap() {
            assert!(!column["known"].is_null(), "{}.{}", relation["name"], column["name"]);
            let nullable = column["known"]["diesel_type"]
                .as_str()
                .unwrap()
                .starts_with("Nullable<");
            assert_eq!(column["nullable"], nullable, "{}.{}", relation["name"], column["name"]);
            // If the comment mentions personal data, the field for programs says so as well.
            let comment = column["comment"].as_str().unwrap().to_lowercase();
            let personal = column["known"]["personal_data"].as_str().unwrap();
            let expected = match comment {
                text if text.contains("may contain personal data") => "may_hold",
                text if text.contains("personal data") => "yes",
                _ if personal == "yes" => "said in the comment",
                _ => personal,
            };
            assert_eq!(personal, expected, "{}.{}", relation["name"], column["name"]);
        }
    }
}

#[test]
fn a_pattern_that_takes_nothing_is_an_error_that_names_it() {
    let (database, _) = connected();
    let out = Folder::new();
    let tables = "mailglass_*,ordres,billing.*";
    docs(&database, out.path(), &["--tables", tables])
        .exits(5)
        .says("ordres, billing.*");
    assert_eq!(out.names(), [""; 0]);
}

#[test]
fn a_database_that_is_not_migrated_has_nothing_to_document() {
    let database = server().database().unwrap();
    let out = Folder::new();
    docs(&database, out.path(), &[]).exits(4).says("mailglass migrate");
    assert_eq!(out.names(), [""; 0]);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let (database, _) = connected();
    let out = Folder::new();
    let file = out.path().join("in_the_way");
    fs::write(&file, "").unwrap();
    docs(&database, &file.join("docs"), &[]).exits(5).says("in_the_way");
}

/// A folder blocks a file.
#[test]
fn nothing_is_written_where_not_all_can_be() {
    let (database, _) = connected();
    let out = Folder::new();
    fs::create_dir(out.path().join("schema.dbml")).unwrap();
    docs(&database, out.path(), &[]).exits(5).says("schema.dbml");
    assert_eq!(out.names(), ["schema.dbml"]);
}

#[test]
fn a_throwaway_server_has_what_this_release_makes() {
    let out = committed();
    answer(program().args(["docs", "--scratch", "--check", "--out", out.to_str().unwrap()])).exits(0);
}
