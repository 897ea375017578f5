//! `mailglass docs`: what it writes, what it finds stale, and what it finds without a note.

mod conflict_targets;
mod orphan;

use std::fs;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use scratch_postgres::Database;
use serde_json::Value;

use crate::folder::Folder;
use crate::program::{Answer, answer, program, run};
use crate::support::{connect, connected, server};

/// The docs of our own schema, which are committed.
fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema")
}

fn docs(database: &Database, out: &Path, arguments: &[&str]) -> Answer {
    run(
        database,
        &[&["docs", "--out", out.to_str().unwrap()], arguments].concat(),
    )
}

/// What schema.json says after a change of the schema.
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

fn nasty() -> Database {
    let database = server().database().unwrap();
    let mut conn = connect(&database);
    conn.batch_execute(include_str!("docs/nasty.sql")).unwrap();
    database
}

#[test]
fn the_committed_docs_are_what_the_migrations_make() {
    let (database, _) = connected();
    docs(&database, &committed(), &["--check"]).exits(0);
}

/// `BLESS=1` writes the files anew; they are read before they are committed.
#[test]
fn nothing_in_a_schema_breaks_the_docs_of_it() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/docs/nasty");
    let check: &[&str] = match std::env::var_os("BLESS") {
        Some(_) => &[],
        None => &["--check", "--allow-missing-notes"],
    };
    docs(&nasty(), &golden, &[&["--tables", "*,*.*"], check].concat()).exits(0);
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
        ran.stdout.contains("-  id uuid [pk, not null, note: 'UUIDv4"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("+  id uuid [pk, not null, note: 'UUIDv7"),
        "{}",
        ran.stdout
    );
    assert_eq!(fs::read_to_string(&dbml).unwrap(), edited);
    assert!(!out.path().join("README.md").exists());

    let report = docs(&database, out.path(), &["--check", "--json"]).exits(1);
    let states: Vec<(Value, Value)> = (report.json()["files"].as_array().unwrap().iter())
        .map(|it| (it["file"].clone(), it["state"].clone()))
        .filter(|it| it.1 != "current")
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
        .filter(|it| it["state"] == "written")
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
    let drafts = fs::read_dir(out.path()).unwrap().filter(|it| {
        let name = it.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with('.')
    });
    assert_eq!(drafts.count(), 0);
}

/// Each of the things that want a note, without it, and the statement that gives it.
#[test]
fn what_has_no_note_fails_the_check_and_is_told_how_to_get_one() {
    let cases = [
        ("COMMENT ON TABLE orders IS NULL", "table orders"),
        ("COMMENT ON COLUMN orders.\"No\" IS NULL", "column orders.\"No\""),
        ("COMMENT ON INDEX orders_idx IS NULL", "index orders_idx"),
        ("COMMENT ON TRIGGER stamp ON orders IS NULL", "trigger stamp ON orders"),
        ("COMMENT ON FUNCTION stamp() IS NULL", "function stamp()"),
        ("COMMENT ON TYPE state IS 'paid: done'", "label state.open"),
        ("COMMENT ON DOMAIN cents IS NULL", "domain cents"),
        ("COMMENT ON VIEW open_orders IS NULL", "view open_orders"),
        ("COMMENT ON TABLE mailglass_events IS NULL", "table mailglass_events"),
        (
            "COMMENT ON TRIGGER mailglass_events_immutable_trigger ON mailglass_events IS NULL",
            "trigger mailglass_events_immutable_trigger ON mailglass_events",
        ),
        ("CREATE INDEX mine ON mailglass_events (trace_id)", "index mine"),
    ];
    let out = Folder::new();
    let tables = ["--tables", "mailglass_*,orders,open_*"];
    let check = [&tables[..], &["--check", "--json"]].concat();
    for (sql, object) in [("SELECT", "")].iter().chain(&cases) {
        let (database, mut conn) = connected();
        conn.batch_execute(ORDERS).unwrap();
        conn.batch_execute(sql).unwrap();
        // What is written is current, so what fails the check is the note.
        docs(&database, out.path(), &tables).exits(0);
        let ran = docs(&database, out.path(), &check);
        let json = ran.json();
        let missing = json["missing_notes"].as_array().unwrap();
        if object.is_empty() {
            assert_eq!((ran.code, missing.len()), (0, 0), "{}", ran.stdout);
            continue;
        }
        assert_eq!((ran.code, missing.len()), (1, 1), "{object}: {missing:?}");
        assert_eq!(missing[0]["object"], *object);
        assert!(missing[0]["help"].as_str().unwrap().starts_with("COMMENT ON "));
        let passes = [&check[..], &["--allow-missing-notes"]].concat();
        docs(&database, out.path(), &passes).exits(0);
    }
}

#[test]
fn an_application_documents_its_tables_beside_ours() {
    let json = schema_after(ORDERS, &["--tables", "mailglass_*,orders", "--title", "The shop"]);
    assert_eq!(json["title"], "The shop");
    let relations: Vec<&str> = json["relations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    let ours = ["mailglass_deliveries", "mailglass_event_links", "mailglass_events"];
    assert_eq!(relations, [&ours[..], &["orders"]].concat());
    let orders = &json["relations"][3];
    let reference = &orders["references"][0];
    assert_eq!(reference["constraint"], "orders_welcome_fkey");
    assert_eq!(reference["to"]["name"], "mailglass_deliveries");
    assert_eq!(reference["on_delete"], "SET NULL");
    let state = json["enums"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["name"] == "state")
        .unwrap();
    assert_eq!(state["labels"][1]["meaning"], "nothing more to come");
    // Nothing is known of somebody else's columns.
    assert!(
        orders["columns"]
            .as_array()
            .unwrap()
            .iter()
            .all(|it| it["known"].is_null())
    );
}

/// What the crate knows is there for each of its columns, and nowhere else.
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
            // What a comment says about personal data is no secret to programs.
            let comment = column["comment"].as_str().unwrap().to_lowercase();
            let personal = column["known"]["personal_data"].as_str().unwrap();
            let expected = match comment {
                it if it.contains("may hold personal data") => "may_hold",
                it if it.contains("personal data") => "yes",
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

/// A folder stands where a file should be.
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

/// Tables of an application's own, with a note on everything.
const ORDERS: &str = "
    CREATE TYPE state AS ENUM ('open', 'paid');
    COMMENT ON TYPE state IS E'How far an order is.\nopen: money is due\npaid: nothing more to come';
    CREATE DOMAIN cents AS bigint CHECK (VALUE >= 0);
    COMMENT ON DOMAIN cents IS 'Money.';
    CREATE TABLE orders (
        \"No\" integer PRIMARY KEY,
        state state NOT NULL,
        price cents NOT NULL,
        welcome uuid REFERENCES mailglass_deliveries ON DELETE SET NULL
    );
    CREATE INDEX orders_idx ON orders (state);
    CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER stamp BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION stamp();
    CREATE VIEW open_orders AS SELECT \"No\" FROM orders WHERE state = 'open';
    COMMENT ON TABLE orders IS 'What was bought.';
    COMMENT ON COLUMN orders.\"No\" IS 'As on the invoice.';
    COMMENT ON COLUMN orders.state IS 'How far it is.';
    COMMENT ON COLUMN orders.price IS 'What it costs.';
    COMMENT ON COLUMN orders.welcome IS 'The message that confirmed it.';
    COMMENT ON INDEX orders_idx IS 'What is open.';
    COMMENT ON FUNCTION stamp() IS 'Stamps.';
    COMMENT ON TRIGGER stamp ON orders IS 'Stamps each.';
    COMMENT ON VIEW open_orders IS 'What is to be done.';
    COMMENT ON COLUMN open_orders.\"No\" IS 'As on the invoice.';
";
