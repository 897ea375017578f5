//! The kinds of statements that the check distinguishes.

use crate::tokens::{Token, is_word};

pub(crate) const VERBS: [&str; 3] = ["create", "alter", "drop"];

/// The index at which `CREATE TYPE`, `ALTER TYPE` or `DROP TYPE` begins.
pub(crate) fn type_statement(statement: &[Token]) -> Option<usize> {
    let begins = |pair: &[Token]| is_word(&pair[1], "type") && VERBS.iter().any(|verb| is_word(&pair[0], verb));
    statement.windows(2).position(begins)
}

/// Whether a string constant of the statement is code: the statement is DO, or creates a function.
pub(crate) fn runs_code(statement: &[Token]) -> bool {
    let begins_with = |word| statement.first().is_some_and(|token| is_word(token, word));
    begins_with("do") || (begins_with("create") && defines_routine(statement))
}

/// Whether the statement creates or alters a function or a procedure.
pub(crate) fn defines_routine(statement: &[Token]) -> bool {
    let is_one_of = |token: &Token, words: &[&str]| words.iter().any(|word| is_word(token, word));
    let defines = statement
        .first()
        .is_some_and(|token| is_one_of(token, &["create", "alter"]));
    let is_routine = |token: &Token| is_one_of(token, &["function", "procedure", "routine"]);
    defines && statement.iter().take(4).any(is_routine)
}
