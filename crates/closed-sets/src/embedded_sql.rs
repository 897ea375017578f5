//! SQL in the string constants of statements: DO blocks and the bodies of functions.

use crate::rejected_statements::{self, REWRITE, Rejection};
use crate::statement_kind::{VERBS, runs_code, type_statement};
use crate::string_constants::{self, MAX_DEPTH};
use crate::tokens::{Kind, Token, is_word, statements};

/// Rejects a statement whose string constants contain code that the check does not follow.
pub(crate) fn in_statement(statement: &[Token]) -> Option<Rejection> {
    if !runs_code(statement) {
        return None;
    }
    if let Some(offset) = foreign_language(statement) {
        return Some(Rejection {
            offset,
            message: "the check does not read this language".to_owned(),
            help: "write the code in SQL or PL/pgSQL",
        });
    }
    string_constants::of_statement(statement).iter().find_map(|constant| {
        // Code at a greater depth is rejected unread.
        let (message, help) = if constant.depth == MAX_DEPTH {
            types()
        } else {
            match statements(&constant.content) {
                Ok(code) => code.iter().find_map(|statement| in_code(statement))?,
                // Not SQL by itself, but it may be a part of a statement.
                Err(_) => has_dangerous_words(&constant.content).then(types)?,
            }
        };
        Some(Rejection {
            offset: constant.offset,
            message,
            help,
        })
    })
}

fn types() -> (String, &'static str) {
    ("this code contains a statement about types".to_owned(), REWRITE)
}

/// The message and the help for a statement of embedded code.
fn in_code(code: &[Token]) -> Option<(String, &'static str)> {
    if type_statement(code).is_some() {
        Some(types())
    } else if let Some(rejection) = rejected_statements::in_statement(code) {
        Some((format!("in this code, {}", rejection.message), rejection.help))
    } else if takes_away(code) {
        let message = "this code drops or renames an object that may have a promised name";
        Some((message.to_owned(), "write DROP or ALTER as a statement of its own"))
    } else if runs_what_it_builds(code) {
        let help = "write the statement itself, or one string constant after EXECUTE";
        Some((
            "this code executes a statement that it builds at run time".to_owned(),
            help,
        ))
    } else {
        None
    }
}

/// Whether code drops, renames or moves tables, indexes, triggers or functions. Objects that code creates do not count, so a
/// promised name among them is reported as missing.
fn takes_away(code: &[Token]) -> bool {
    let is_one_of = |token: &Token, words: &[&str]| words.iter().any(|word| is_word(token, word));
    let objects = [
        "table",
        "index",
        "trigger",
        "function",
        "routine",
        "view",
        "materialized",
    ];
    code.windows(2).enumerate().any(|(index, pair)| {
        let alters = is_word(&pair[0], "alter")
            && code[index + 2..]
                .iter()
                .any(|token| is_one_of(token, &["rename", "drop", "schema"]));
        is_one_of(&pair[1], &objects) && (is_word(&pair[0], "drop") || alters)
    })
}

/// Whether PL/pgSQL's EXECUTE gets anything but one string constant, or one with the schema of a trigger's table in it. A single
/// constant is read like every other.
fn runs_what_it_builds(code: &[Token]) -> bool {
    let after = |word: &Token| ["into", "using", "loop"].iter().any(|end| is_word(word, end));
    let is_dynamic = |index: usize| {
        let rest = &code[index + 1..];
        // EXECUTE FUNCTION of a trigger, and the privilege.
        let is_no_command = rest
            .first()
            .is_none_or(|next| ["function", "procedure", "on"].iter().any(|word| is_word(next, word)));
        let is_constant = matches!(
            rest.first(),
            Some(Token {
                kind: Kind::Text { .. },
                ..
            })
        ) && rest.get(1).is_none_or(after);
        !is_no_command
            && !is_constant
            && !after_format_with_schema(rest).is_some_and(|rest| rest.first().is_none_or(after))
    };
    (0..code.len()).any(|index| is_word(&code[index], "execute") && is_dynamic(index))
}

/// What follows `pg_catalog.format('…', TG_TABLE_SCHEMA)`.
fn after_format_with_schema(code: &[Token]) -> Option<&[Token]> {
    let [
        catalog,
        dot,
        format,
        opening,
        constant,
        comma,
        schema,
        closing,
        rest @ ..,
    ] = code
    else {
        return None;
    };
    let is = |token: &Token, character: char| token.kind == Kind::Other(character);
    let is_call = is_word(catalog, "pg_catalog") && is(dot, '.') && is_word(format, "format") && is(opening, '(');
    let has_schema = matches!(constant.kind, Kind::Text { .. })
        && is(comma, ',')
        && is_word(schema, "tg_table_schema")
        && is(closing, ')');
    (is_call && has_schema).then_some(rest)
}

/// The offset of a language other than SQL and PL/pgSQL.
fn foreign_language(statement: &[Token]) -> Option<usize> {
    let named = statement.windows(2).find(|pair| is_word(&pair[0], "language"))?;
    let language = match &named[1].kind {
        Kind::Word(name) | Kind::Quoted(name) | Kind::Text { content: name, .. } => name.as_str(),
        Kind::Other(_) => return None,
    };
    (!["sql", "plpgsql"].contains(&language)).then_some(named[1].offset)
}

fn has_dangerous_words(text: &str) -> bool {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .collect();
    words.iter().any(|word| rejected_statements::WORDS.contains(word))
        || words
            .windows(2)
            .any(|pair| VERBS.contains(&pair[0]) && pair[1] == "type")
}
