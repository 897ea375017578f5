//! `contract::verify` knows exactly the functions, operators and types that our statements look up in search_path.

use std::collections::BTreeSet;
use std::fs;
use std::sync::{Arc, Mutex};

use diesel::connection::InstrumentationEvent;
use diesel::prelude::*;
use mailglass::contract::builtins;

use crate::support::connected;
use crate::support::every_call::every_call;

/// Compares the statements as they are sent to the server.
#[test]
fn verify_knows_exactly_the_names_that_our_statements_look_up() {
    let (_database, mut conn) = connected();
    let statements = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&statements);
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            let query = query.to_string();
            let text = query
                .rsplit_once(" -- binds: ")
                .map_or(query.as_str(), |(text, _)| text);
            seen.lock().unwrap().push(text.to_owned());
        }
    });
    every_call(&mut conn).unwrap();
    drop(conn);
    let mut lookups = Lookups::default();
    for statement in statements.lock().unwrap().iter() {
        lookups.read(statement);
    }
    let sorted = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>();
    let mut functions = [builtins::FUNCTIONS, builtins::DIESEL_FUNCTIONS].concat();
    functions.sort_unstable();
    assert_eq!(sorted(&lookups.functions), functions);
    assert_eq!(sorted(&lookups.operators), builtins::OPERATORS);
    assert_eq!(sorted(&lookups.types), builtins::TYPES);

    // The statements that the calls above do not send look up the same names.
    let mut snapshots = Lookups::default();
    for file in fs::read_dir("tests/snapshots/sql").unwrap() {
        let file = file.unwrap().path();
        let name = file.file_name().unwrap().to_string_lossy();
        // Migrations use their own objects, and so do roles and policies; `contract::verify` and the steps of a cut set their own
        // search_path. Hidden conflicts need row-level security.
        let others = [
            "migrations_",
            "contract_",
            "retention_",
            "roles_",
            "tenancy_enable",
            "tenancy_disable",
            "insert_hidden",
        ];
        if !others.iter().any(|prefix| name.starts_with(prefix)) {
            snapshots.read(&fs::read_to_string(&file).unwrap());
        }
    }
    assert!(
        snapshots.functions.is_subset(&lookups.functions),
        "{:?}",
        snapshots.functions
    );
    assert!(
        snapshots.operators.is_subset(&lookups.operators),
        "{:?}",
        snapshots.operators
    );
}

/// The names of functions and types, and the operators, in the text of statements.
#[derive(Default)]
struct Lookups {
    functions: BTreeSet<String>,
    operators: BTreeSet<String>,
    types: BTreeSet<String>,
}

/// Keywords that can precede a parenthesis, and types that are keywords.
const SYNTAX: &str = " ALL AND ANY ARRAY AS BY CONFLICT COALESCE DISTINCT EXISTS EXTRACT FILTER FROM GREATEST IN IS JOIN LATERAL LEAST \
    LIMIT MATERIALIZED NOT ON OPERATOR OR OVER SELECT SET THEN VALUES WHEN WHERE WITH BIGINT BOOLEAN INTEGER ";

impl Lookups {
    fn read(&mut self, statement: &str) {
        let statement = without_comments_and_strings(statement);
        let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
        let is_operator = |letter: char| "+-*/<>=~!@#%^&|?".contains(letter);
        let mut rest = statement.as_str();
        let (mut before, mut last) = (String::new(), String::new());
        while let Some(letter) = rest.chars().next() {
            let length = rest.find(|next: char| match letter {
                _ if is_word(letter) => !is_word(next),
                _ if is_operator(letter) => !is_operator(next),
                _ => true,
            });
            let length = match length {
                Some(0) => letter.len_utf8(),
                Some(length) => length,
                None => rest.len(),
            };
            let (token, after) = rest.split_at(length);
            rest = after;
            if is_word(letter) {
                let is_call = rest.starts_with('(') && !letter.is_numeric();
                let is_keyword = SYNTAX.contains(&format!(" {} ", token.to_uppercase()));
                // A list of columns that `src/sql/template.rs` expands, such as `:events(first)`.
                let is_column_list = last == ":" && before != ":";
                // INSERT INTO mailglass_events (…), and the columns of an alias, have a space before the parenthesis.
                if is_call && !is_keyword && !is_column_list {
                    self.functions.insert(token.to_lowercase());
                }
                let is_ours = token.starts_with("mailglass_");
                if last == ":" && before == ":" && !is_keyword && !is_ours && !rest.starts_with('.') {
                    self.types.insert(token.to_lowercase());
                }
            } else if is_operator(letter) {
                // The `*` of SELECT * and count(*), and the `=>` of named arguments.
                let is_syntax = token == "*" || token == "=>";
                // OPERATOR(pg_catalog.=) looks nothing up.
                let is_qualified = last == ".";
                if !is_syntax && !is_qualified {
                    self.operators.insert(token.to_owned());
                }
            }
            if !letter.is_whitespace() {
                before = std::mem::replace(&mut last, token.to_owned());
            }
        }
        // These keywords look up the operator `=`.
        let upper = statement.to_uppercase();
        if ["IS DISTINCT FROM", " IN (", " BETWEEN "]
            .iter()
            .any(|keyword| upper.contains(keyword))
        {
            self.operators.insert("=".to_owned());
        }
    }
}

fn without_comments_and_strings(statement: &str) -> String {
    let lines = statement
        .lines()
        .map(|line| line.split_once("--").map_or(line, |(code, _)| code));
    let code = lines.collect::<Vec<_>>().join("\n");
    // Quoted identifiers name tables and columns.
    let parts = code.split('\'').step_by(2).collect::<Vec<_>>().join("''");
    let code = parts.split('"').step_by(2).collect::<Vec<_>>().join("x");
    // An operator of a named schema is not looked up.
    let parts: Vec<&str> = code.split("OPERATOR(pg_catalog.").collect();
    let after = |part: &&str| {
        part.split_once(')')
            .map_or(String::new(), |(_, after)| after.to_owned())
    };
    let (first, rest) = parts.split_first().unwrap();
    std::iter::once((*first).to_owned())
        .chain(rest.iter().map(after))
        .collect()
}
