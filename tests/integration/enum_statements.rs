//! What the check makes of enum statements is what Postgres makes of them.

mod objects;
mod spelling;
mod tokens;
mod unseen;

use std::path::Path;
use std::{env, fs, io};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::check::{self, File};
use crate::support::generate::for_all;
use crate::support::{connect, server};

/// A statement about one of a few types and labels, in one of the many ways to write it.
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
                .filter(|it| !it.is_empty())
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
    let database = server().database().unwrap();
    let mut conn = connect(&database);
    for_all(cases(150), prop::collection::vec(statement(), 1..14), |statements| {
        conn.batch_execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            .unwrap();
        let mut accepted: Vec<String> = Vec::new();
        for statement in statements {
            // One file a statement, as Postgres commits each by itself here.
            let is_accepted = conn.batch_execute(&statement).is_ok();
            let mut files = files(&accepted);
            files.push(file(files.len(), &statement));
            let mut findings = Vec::new();
            check::replay(&files, &mut findings);
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
        let types = check::replay(&files(&accepted), &mut Vec::new());
        let joined = |labels: Vec<&str>| (!labels.is_empty()).then(|| labels.join(" "));
        let replayed: Vec<Type> = types
            .enums()
            .map(|(name, it)| Type {
                name: name.to_owned(),
                labels: joined(it.labels.iter().map(|it| it.text.as_str()).collect()),
            })
            .collect();
        let there: Vec<Type> = diesel::sql_query(TYPES).load(&mut conn).unwrap();
        prop_assert_eq!(replayed, there, "after {:?}", accepted);
        Ok(())
    });
}

/// What may be done with a label in the migration that adds it: Postgres and the check agree.
#[test]
fn a_label_may_be_named_but_not_used_in_the_migration_that_adds_it() {
    let database = server().database().unwrap();
    let mut conn = connect(&database);
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
        check::replay(&[file(0, before), file(1, migration)], &mut findings);
        assert_eq!(findings.is_empty(), is_fine, "{migration}: {findings:?}");
    }
}

fn files(statements: &[String]) -> Vec<File> {
    statements
        .iter()
        .enumerate()
        .map(|(index, it)| file(index, it))
        .collect()
}

fn file(index: usize, statement: &str) -> File {
    File {
        path: format!("migrations/{index}/up.sql"),
        bytes: io::Result::Ok(format!("{statement};").into_bytes()),
    }
}

/// How many cases a property is held to: `ENUM_STATEMENT_CASES` if it is set, for a long run.
fn cases(usual: u32) -> u32 {
    env::var("ENUM_STATEMENT_CASES").map_or(usual, |cases| cases.parse().unwrap())
}

/// The texts that a property once failed on, or could: `enum_statements/corpus/<property>/*.sql`, with their names.
fn corpus(property: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/enum_statements/corpus");
    let mut texts: Vec<(String, String)> = fs::read_dir(folder.join(property))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.display().to_string(), fs::read_to_string(path).unwrap()))
        .collect();
    texts.sort();
    assert!(!texts.is_empty(), "no texts for {property}");
    texts
}
