//! The check rejects a statement that changes labels indirectly, or agrees with PostgreSQL on the remaining labels.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, Text};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

use super::spelling::Choices;
use super::{TYPES, Type, cases, corpus, database, file, for_all};
use crate::migrations::replay;

const BEFORE: &str = "CREATE TYPE paint AS ENUM ('a', 'b'); CREATE TABLE walls (paint paint, role text)";

/// The state before each migration.
const AFRESH: &str = "
    SET client_min_messages = error; RESET SESSION AUTHORIZATION; RESET ROLE; RESET search_path;
    RESET standard_conforming_strings; RESET client_encoding;
    DROP SCHEMA IF EXISTS other CASCADE; DROP SCHEMA IF EXISTS public CASCADE;
    CREATE SCHEMA public; CREATE SCHEMA other";

/// The settings that names and strings depend on, with those of future connections.
#[derive(QueryableByName, Debug, PartialEq)]
struct Settings {
    #[diesel(sql_type = Array<Text>)]
    settings: Vec<String>,
}

const SETTINGS: &str = "
    SELECT ARRAY[
        coalesce(current_schema()::text, ''), current_setting('standard_conforming_strings'),
        current_setting('client_encoding'), current_user::text,
        (SELECT count(*)::text FROM pg_db_role_setting, unnest(setconfig) AS setting WHERE setting NOT LIKE 'work_mem=%')
    ] AS settings";

/// A command that changes labels, or the meaning of names and strings.
fn command(choices: &mut Choices) -> String {
    let mut words = |words: &str| -> String {
        let words: Vec<String> = words.split(' ').map(|word| choices.word(word)).collect();
        words.join(choices.blank())
    };
    let kind = words("alter type paint rename");
    let update = words("update");
    let drop = words("drop schema public cascade");
    let set = words("set");
    match choices.below(11) {
        0 => format!("{kind} VALUE 'a' TO 'z'"),
        1 => format!("{kind} TO paints"),
        2 | 3 => {
            let schema = choices.one(&["", "pg_catalog.", "\"pg_catalog\"."]);
            format!(
                "{update} {schema}{} SET enumlabel = 'z' WHERE enumlabel = 'a'",
                choices.name("pg_enum")
            )
        }
        4 => format!("{update} pg_type SET typname = 'z' WHERE typname = 'paint'"),
        5 => drop,
        6 => {
            let scope = choices.one(&["", "LOCAL ", "SESSION "]);
            let (setting, value) = setting(choices);
            format!(
                "{set} {scope}{} {} {value}",
                choices.name(setting),
                choices.one(&["=", "TO"])
            )
        }
        7 => {
            let (setting, value) = setting(choices);
            let target = choices.one(&["ALTER ROLE CURRENT_USER", "ALTER ROLE ALL"]);
            format!("{target} {set} {} = {value}", choices.name(setting))
        }
        8 => choices
            .one(&[
                "DROP OWNED BY CURRENT_USER",
                "ALTER SCHEMA public RENAME TO gone",
                "SET SCHEMA 'other'",
            ])
            .to_owned(),
        9 => choices
            .one(&[
                "SET NAMES 'LATIN1'",
                "ALTER TYPE paint SET SCHEMA other",
                "DROP TYPE paint CASCADE",
            ])
            .to_owned(),
        _ => "UPDATE walls SET role = 'x'".to_owned(),
    }
}

fn setting(choices: &mut Choices) -> (&'static str, &'static str) {
    let settings = [
        ("standard_conforming_strings", "off"),
        ("search_path", "other"),
        ("client_encoding", "latin1"),
        ("work_mem", "'4MB'"),
    ];
    settings[choices.below(settings.len())]
}

/// A statement that runs a command directly or indirectly.
fn statement(choices: &mut Choices) -> String {
    let command = command(choices);
    match choices.below(8) {
        0 => command,
        // The command is part of the string or follows it.
        1 => format!(
            "SELECT {}\n'\\'; '; {command}; --'",
            choices.one(&["E'a'", "'a'", "U&'a'", "e'a' --"])
        ),
        2 => {
            let (setting, value) = setting(choices);
            let (setting, value) = (choices.word(setting), value.trim_matches('\''));
            let setting = match choices.below(3) {
                0 => choices.expression(&setting),
                _ => choices.string(&setting),
            };
            let function = choices.one(&[
                "set_config",
                "pg_catalog.set_config",
                "\"set_config\"",
                "U&\"set\\005fconfig\"",
            ]);
            format!("SELECT {function}({setting}, '{value}', false)")
        }
        3 => format!("DO {}", choices.string(&format!("BEGIN {command}; END"))),
        4 | 5 => {
            let text = choices.string(&command);
            format!("DO {}", choices.string(&format!("BEGIN EXECUTE {text}; END")))
        }
        6 => {
            let text = choices.expression(&command);
            format!("DO {}", choices.string(&format!("BEGIN EXECUTE {text}; END")))
        }
        _ => {
            let body = choices.string(&format!("{command}; SELECT 1"));
            format!("CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS {body}; SELECT f()")
        }
    }
}

/// Compares the check with PostgreSQL for one migration; returns whether both accept it.
fn compare(conn: &mut PgConnection, migration: &str) -> Result<bool, TestCaseError> {
    let mut findings = Vec::new();
    let types = replay(&[file(0, BEFORE), file(1, migration)], &mut findings);
    if !findings.is_empty() {
        return Ok(false);
    }
    conn.batch_execute(AFRESH).unwrap();
    conn.batch_execute(BEFORE).unwrap();
    let settings: Settings = diesel::sql_query(SETTINGS).get_result(conn).unwrap();
    if conn.batch_execute(migration).is_err() {
        return Ok(false);
    }
    let left: Settings = diesel::sql_query(SETTINGS).get_result(conn).unwrap();
    prop_assert_eq!(settings, left, "{:?}", migration);
    let there: Vec<Type> = diesel::sql_query(TYPES).load(conn).unwrap();
    let joined = |labels: Vec<&str>| (!labels.is_empty()).then(|| labels.join(" "));
    let replayed: Vec<Type> = types
        .enums()
        .map(|(name, kept)| Type {
            name: name.to_owned(),
            labels: joined(kept.labels.iter().map(|label| label.text.as_str()).collect()),
        })
        .collect();
    prop_assert_eq!(replayed, there, "{:?}", migration);
    Ok(true)
}

#[test]
fn what_the_check_accepts_leaves_the_labels_that_it_has() {
    let (_database, mut conn) = database();
    let unwrapped = |compared: TestCaseResult, path: &str| compared.unwrap_or_else(|error| panic!("{path}: {error}"));
    for (path, migration) in corpus("changes") {
        unwrapped(compare(&mut conn, &migration).map(|_| ()), &path);
    }
    let mut accepted = 0;
    for_all(cases(600), prop::collection::vec(any::<u8>(), 1..80), |bytes| {
        let statement = statement(&mut Choices::new(bytes));
        accepted += u32::from(compare(&mut conn, &statement)?);
        Ok(())
    });
    assert!(accepted > 0, "no statement was accepted, so nothing was compared");
}
