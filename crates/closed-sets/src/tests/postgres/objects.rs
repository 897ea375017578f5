//! The check and PostgreSQL agree on the remaining tables, indexes, triggers and functions.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use proptest::prelude::*;

use super::spelling::Choices;
use super::{cases, database, file, for_all};
use crate::migrations::replay;
use crate::object_statements::Object;

#[derive(QueryableByName, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Named {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    name: String,
}

const NAMED: &str = "
    SELECT CASE relkind WHEN 'i' THEN 'index' ELSE 'table' END AS kind, relname::text AS name
    FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i')
    UNION ALL
    SELECT 'trigger', tgname::text FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
    WHERE NOT tgisinternal AND relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'function', proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace";

/// A statement about one of a few objects.
fn statement(choices: &mut Choices) -> String {
    let names = ["one", "two", "three"];
    let table = |choices: &mut Choices| {
        let name = choices.one(&names);
        let name = choices.name(name);
        format!("{}{name}", choices.one(&["", "", "public."]))
    };
    let plain = |choices: &mut Choices| {
        let name = choices.one(&names);
        choices.name(name)
    };
    let cascade = choices.one(&["", "", " CASCADE", " RESTRICT"]);
    let if_exists = choices.one(&["", " IF EXISTS"]);
    let column = choices.one(&["a", "b", "\"c\"", "d"]);
    let other = choices.one(&["a", "b", "c", "d"]);
    let create = choices.word("create");
    let (on, name, to, key) = (table(choices), plain(choices), plain(choices), plain(choices));
    match choices.below(21) {
        0 => format!("{create} TABLE {name} (a integer, b text, c numeric(4, 2))"),
        1 => {
            format!("{create} UNLOGGED TABLE IF NOT EXISTS {name} (a integer, b text, CONSTRAINT {key} UNIQUE (a, b))")
        }
        2 | 3 => format!("{create} UNIQUE INDEX {name} ON {on} ({column}, {other})"),
        4 => format!(
            "{create} INDEX IF NOT EXISTS {name} ON ONLY {on} USING btree ((a + 1)) INCLUDE (b) WHERE {column} IS NULL"
        ),
        5 | 6 => format!(
            "{create} OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$"
        ),
        7 | 8 => format!(
            "{create} TRIGGER {name} BEFORE UPDATE OF {column}, {other} OR DELETE ON {on} FOR EACH ROW EXECUTE FUNCTION {key}()"
        ),
        9 => format!(
            "{create} CONSTRAINT TRIGGER {name} AFTER INSERT ON {on} DEFERRABLE FOR EACH ROW EXECUTE PROCEDURE {key}()"
        ),
        10 => format!("DROP TABLE{if_exists} {on}, {name}{cascade}"),
        11 => format!("DROP TABLE{if_exists} {on}{cascade}"),
        12 => format!("DROP INDEX{if_exists} {name}"),
        13 => format!("DROP TRIGGER{if_exists} {name} ON {on}{cascade}"),
        14 => format!("DROP FUNCTION{if_exists} {name}(){cascade}"),
        15 => format!(
            "ALTER {} {on} RENAME TO {to}",
            choices.one(&["TABLE", "INDEX", "TABLE IF EXISTS"])
        ),
        16 => format!("ALTER TRIGGER {name} ON {on} RENAME TO {to}"),
        17 => format!("ALTER {} {name} RENAME TO {to}", choices.one(&["FUNCTION", "ROUTINE"])),
        18 => format!(
            "ALTER TABLE {on} RENAME {} {column} TO {other}",
            choices.one(&["", "COLUMN"])
        ),
        19 => format!(
            "ALTER TABLE {on} ADD d integer DEFAULT (1), DROP {} {column}{cascade}",
            choices.one(&["", "COLUMN IF EXISTS"])
        ),
        _ => {
            let actions = [
                format!("ADD CONSTRAINT {name} PRIMARY KEY (a)"),
                format!("ADD CONSTRAINT {name} UNIQUE USING INDEX {key}"),
                format!("DROP CONSTRAINT{if_exists} {name}{cascade}"),
                format!("RENAME CONSTRAINT {name} TO {to}"),
                "SET SCHEMA other".to_owned(),
            ];
            format!("ALTER TABLE {on} {}", actions[choices.below(actions.len())])
        }
    }
}

#[test]
fn the_check_leaves_the_objects_that_postgres_leaves() {
    let (_database, mut conn) = database();
    let mut left = 0;
    let statements = prop::collection::vec(prop::collection::vec(any::<u8>(), 20..60), 1..20);
    for_all(cases(100), statements, |statements| {
        let afresh = "SET client_min_messages = error; DROP SCHEMA IF EXISTS public, other CASCADE; CREATE SCHEMA public; \
                      CREATE SCHEMA other; CREATE TABLE one (a integer, b text, c integer); \
                      CREATE FUNCTION two() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;";
        conn.batch_execute(afresh).unwrap();
        let mut accepted = vec![afresh.split_once("other; ").unwrap().1.to_owned()];
        for bytes in statements {
            let statement = statement(&mut Choices::new(bytes));
            if conn.batch_execute(&statement).is_ok() {
                accepted.push(statement);
            }
        }
        let files: Vec<_> = accepted
            .iter()
            .enumerate()
            .map(|(index, statement)| file(index, statement))
            .collect();
        let mut findings = Vec::new();
        let objects = replay(&files, &mut findings).objects;
        prop_assert!(findings.is_empty(), "{:?}", findings);
        let mut kept: Vec<Named> = [Object::Table, Object::Index, Object::Trigger, Object::Function]
            .into_iter()
            .flat_map(|object| {
                let named = move |name: &str| Named {
                    kind: object.to_string(),
                    name: name.to_owned(),
                };
                objects.names(object).map(named).collect::<Vec<_>>()
            })
            .collect();
        let mut there: Vec<Named> = diesel::sql_query(NAMED).load(&mut conn).unwrap();
        kept.sort();
        there.sort();
        left += there.len();
        prop_assert_eq!(kept, there, "{:#?}", accepted);
        Ok(())
    });
    assert!(left > 200, "too few objects to compare: {left}");
}
