//! The check agrees with a PostgreSQL server about the effects of statements.

mod indirect_changes;
mod objects;
mod spelling;
mod tokens;

use std::cell::RefCell;
use std::path::Path;
use std::sync::LazyLock;
use std::{env, fs};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};
use scratch_postgres::{Database, Server};

use crate::migrations::replay;
use crate::text_file::TextFile;

static SERVER: LazyLock<Server> = LazyLock::new(|| Server::from_env_or_start().expect("a PostgreSQL server"));

/// A database of the test's own; it is dropped with the value.
fn database() -> (Database, PgConnection) {
    let database = SERVER.database().unwrap();
    let conn = PgConnection::establish(database.url()).unwrap();
    (database, conn)
}

/// Tests a property with generated values. Unlike the `proptest!` macro, it lends the property a connection.
fn for_all<S: Strategy>(cases: u32, values: S, property: impl FnMut(S::Value) -> Result<(), TestCaseError>) {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let property = RefCell::new(property);
    TestRunner::new(config)
        .run(&values, |value| (property.borrow_mut())(value))
        .unwrap();
}

/// A statement about one of a few types and labels, in one of many spellings.
fn statement() -> impl Strategy<Value = String> {
    let name = select(vec![
        "paint",
        "PAINT",
        "\"paint\"",
        "U&\"pa\\0069nt\"",
        "u&\"p!0061int\" UESCAPE '!'",
        "finish",
        "other",
    ]);
    let label = select(vec![
        "'a'",
        "'b'",
        "$$c$$",
        "E'd'",
        "U&'u'",
        "'con' -- it's\n 'tinued'",
        "E'd'\n''",
        "'back\\'",
        "'it''s'",
        "$q$it's$q$",
        "'B'",
        "'x;y'",
        "'--'",
    ]);
    let blank = select(vec![" ", "\n", " /* ALTER TYPE /* ; */ */ ", "\t-- it's; \n"]);
    let case = any::<bool>();
    let kind = 0..9;
    (
        kind,
        name.clone(),
        name,
        label.clone(),
        label,
        blank,
        case,
        any::<Index>(),
    )
        .prop_map(|(kind, one, two, first, second, blank, lower, which)| {
            let exists = *which.get(&["", "IF NOT EXISTS"]);
            let place = *which.get(&["BEFORE", "AFTER"]);
            let words: Vec<&str> = match kind {
                0 => vec!["CREATE", "TYPE", one, "AS", "ENUM", "(", first, ",", second, ")"],
                1 => vec!["CREATE", "TYPE", one, "AS", "ENUM", "()"],
                2 => vec!["CREATE", "TYPE", one, "AS", "(", "x", "integer", ")"],
                3 => vec!["ALTER", "TYPE", one, "ADD", "VALUE", exists, first],
                4 | 5 => vec!["ALTER", "TYPE", one, "ADD", "VALUE", exists, first, place, second],
                6 => vec!["ALTER", "TYPE", one, "RENAME", "VALUE", first, "TO", second],
                7 => vec!["ALTER", "TYPE", one, "RENAME", "TO", two],
                _ => vec!["DROP", "TYPE", *which.get(&["", "IF EXISTS"]), one],
            };
            let keywords = |word: &&str| {
                if lower && word.chars().all(|c| c.is_ascii_uppercase()) && *word != "PAINT" {
                    word.to_lowercase()
                } else {
                    (*word).to_owned()
                }
            };
            words
                .iter()
                .filter(|word| !word.is_empty())
                .map(keywords)
                .collect::<Vec<_>>()
                .join(blank)
        })
}

#[derive(QueryableByName, Debug, PartialEq)]
struct Type {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Nullable<Text>)]
    labels: Option<String>,
}

const TYPES: &str = "
    SELECT typname::text AS name, (SELECT string_agg(enumlabel, ' ' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = pg_type.oid) AS labels
    FROM pg_type WHERE typtype = 'e' AND typnamespace = 'public'::regnamespace ORDER BY typname";

#[test]
fn the_check_leaves_the_types_that_postgres_leaves() {
    let (_database, mut conn) = database();
    for_all(cases(150), prop::collection::vec(statement(), 1..14), |statements| {
        conn.batch_execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            .unwrap();
        let mut accepted: Vec<String> = Vec::new();
        for statement in statements {
            // One file per statement, because PostgreSQL commits each one here.
            let is_accepted = conn.batch_execute(&statement).is_ok();
            let mut files = files(&accepted);
            files.push(file(files.len(), &statement));
            let mut findings = Vec::new();
            replay(&files, &mut findings);
            prop_assert_eq!(
                findings.is_empty(),
                is_accepted,
                "{} after {:?}: {:?}",
                statement,
                accepted,
                findings
            );
            if is_accepted {
                accepted.push(statement);
            }
        }
        let types = replay(&files(&accepted), &mut Vec::new());
        let joined = |labels: Vec<&str>| (!labels.is_empty()).then(|| labels.join(" "));
        let replayed: Vec<Type> = types
            .enums()
            .map(|(name, pg_enum)| Type {
                name: name.to_owned(),
                labels: joined(pg_enum.labels.iter().map(|label| label.text.as_str()).collect()),
            })
            .collect();
        let there: Vec<Type> = diesel::sql_query(TYPES).load(&mut conn).unwrap();
        prop_assert_eq!(replayed, there, "after {:?}", accepted);
        Ok(())
    });
}

/// PostgreSQL and the check agree on what a migration may do with a label that it adds.
#[test]
fn a_label_may_be_named_but_not_used_in_the_migration_that_adds_it() {
    let (_database, mut conn) = database();
    let before = "CREATE TYPE paint AS ENUM ('red'); CREATE TABLE walls (paint paint)";
    conn.batch_execute(before).unwrap();
    for (migration, is_fine) in [
        (
            "ALTER TYPE paint ADD VALUE 'a'; ALTER TYPE paint ADD VALUE 'b' BEFORE 'a'",
            true,
        ),
        (
            "ALTER TYPE paint ADD VALUE 'a'; ALTER TYPE paint RENAME VALUE 'a' TO 'b'",
            true,
        ),
        ("ALTER TYPE paint ADD VALUE 'a'; COMMENT ON TYPE paint IS 'a'", true),
        ("ALTER TYPE paint ADD VALUE 'a'; SELECT 'a'::paint", false),
        ("ALTER TYPE paint ADD VALUE 'a'; SELECT '{red,a}'::paint[]", false),
        (
            "ALTER TYPE paint ADD VALUE 'a'; ALTER TABLE walls ALTER COLUMN paint SET DEFAULT 'a'",
            false,
        ),
        (
            "ALTER TYPE paint ADD VALUE 'a'; DO $$ BEGIN UPDATE walls SET paint = 'red' WHERE paint = 'a'; END $$",
            false,
        ),
        (
            "ALTER TYPE paint ADD VALUE 'a'; CREATE INDEX i ON walls (paint) WHERE paint = 'a'",
            false,
        ),
    ] {
        let applied = conn.transaction::<(), diesel::result::Error, _>(|conn| {
            conn.batch_execute(migration)?;
            Err(diesel::result::Error::RollbackTransaction)
        });
        let is_accepted = applied == Err(diesel::result::Error::RollbackTransaction);
        assert_eq!(is_accepted, is_fine, "Postgres: {migration}");
        let mut findings = Vec::new();
        replay(&[file(0, before), file(1, migration)], &mut findings);
        assert_eq!(findings.is_empty(), is_fine, "{migration}: {findings:?}");
    }
}

fn files(statements: &[String]) -> Vec<TextFile> {
    statements
        .iter()
        .enumerate()
        .map(|(index, statement)| file(index, statement))
        .collect()
}

fn file(index: usize, statement: &str) -> TextFile {
    TextFile {
        path: format!("migrations/{index}/up.sql").into(),
        bytes: Ok(format!("{statement};").into_bytes()),
    }
}

/// The number of cases of a property: `ENUM_STATEMENT_CASES` if it is set, for a long run.
fn cases(usual: u32) -> u32 {
    env::var("ENUM_STATEMENT_CASES").map_or(usual, |cases| cases.parse().unwrap())
}

/// The texts that a property failed on, or could fail on: `postgres/corpus/<property>/*.sql`, with their paths.
fn corpus(property: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/postgres/corpus");
    let mut texts: Vec<(String, String)> = fs::read_dir(folder.join(property))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.display().to_string(), fs::read_to_string(path).unwrap()))
        .collect();
    texts.sort();
    assert!(!texts.is_empty(), "no texts for {property}");
    texts
}
