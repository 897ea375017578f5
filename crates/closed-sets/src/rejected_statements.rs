//! Statements that the check rejects because they change labels, or the meaning of later statements, in ways that it does
//! not follow.

use crate::statement_kind::defines_routine;
use crate::tokens::{Kind, Token, is_word, name};

/// A rejected statement, and what to write instead.
pub(crate) struct Rejection {
    pub(crate) offset: usize,
    pub(crate) message: String,
    pub(crate) help: &'static str,
}

pub(crate) const REWRITE: &str = "write CREATE TYPE … AS ENUM, ALTER TYPE … ADD VALUE, RENAME VALUE or RENAME TO, or DROP TYPE as a \
                                  statement of its own, with an unqualified name and plain strings; change a column's type \
                                  with ALTER COLUMN";

/// Words that are rejected even in a text that is not a whole statement.
pub(crate) const WORDS: [&str; 3] = ["pg_enum", STRINGS, "set_config"];

const STRINGS: &str = "standard_conforming_strings";

/// Settings that change the meaning of later names and strings.
const SETTINGS: [&str; 5] = [
    STRINGS,
    "search_path",
    "client_encoding",
    "role",
    "session_authorization",
];

/// Objects whose DROP … CASCADE also drops tables, types or indexes.
const DROPPED_UNSEEN: [&str; 8] = [
    "schema",
    "extension",
    "language",
    "collation",
    "operator",
    "access",
    "text",
    "server",
];

const KEEP_SETTINGS: &str = "remove it: the names and strings of migrations depend on the settings of their connection (a \
                             function may have its own `SET search_path`)";
const KEEP_SCHEMA: &str = "drop each object in its own statement (DROP TABLE, DROP TYPE, …): migrations work in the first \
                           schema of `search_path` and do not change schemas";
const KEEP_TRANSACTION: &str = "remove it: each migration runs in one transaction and takes effect as a whole";

/// Rejects a statement of a migration, or of code in one.
pub(crate) fn in_statement(statement: &[Token]) -> Option<Rejection> {
    catalog(statement)
        .or_else(|| setting(statement))
        .or_else(|| set_config(statement))
        .or_else(|| schema(statement))
}

fn rejection(token: &Token, message: impl Into<String>, help: &'static str) -> Rejection {
    Rejection {
        offset: token.offset,
        message: message.into(),
        help,
    }
}

/// Rejects `pg_enum` anywhere, and writes to any system catalog.
fn catalog(statement: &[Token]) -> Option<Rejection> {
    let is_written = |index: usize| {
        let mut before = statement[..index].iter().rev();
        let mut previous = before.next();
        if previous.is_some_and(|token| token.kind == Kind::Other('.')) {
            before.next();
            previous = before.next();
        }
        if previous.is_some_and(|token| is_word(token, "only")) {
            previous = before.next();
        }
        let deletes = previous.is_some_and(|token| is_word(token, "from"))
            && before.next().is_some_and(|token| is_word(token, "delete"));
        let writes = |token: &Token| ["update", "into", "copy"].iter().any(|word| is_word(token, word));
        deletes || previous.is_some_and(writes)
    };
    let is_refused = |index: usize| match name(&statement[index]) {
        Some("pg_enum") => true,
        Some(name) => {
            let is_schema = statement
                .get(index + 1)
                .is_some_and(|next| next.kind == Kind::Other('.'));
            name.starts_with("pg_") && !is_schema && is_written(index)
        }
        None => false,
    };
    let index = (0..statement.len()).find(|&index| is_refused(index))?;
    let token = &statement[index];
    let message = format!("the check does not follow changes of `{}`", name(token)?.escape_debug());
    Some(rejection(token, message, REWRITE))
}

/// Rejects SET, RESET and the like for the settings above. The names of settings are case-insensitive, even in quotes.
fn setting(statement: &[Token]) -> Option<Rejection> {
    if let Some(token) = statement
        .iter()
        .find(|token| name(token).is_some_and(|name| name.eq_ignore_ascii_case(STRINGS)))
    {
        return Some(changes(token, STRINGS));
    }
    // A function may change settings while it runs.
    if defines_routine(statement) {
        return None;
    }
    let is_assignment = |index: usize| statement[..index].iter().any(|token| is_word(token, "update"));
    (0..statement.len()).find_map(|index| {
        let is_reset = is_word(&statement[index], "reset") || is_word(&statement[index], "discard");
        if !is_reset && !is_word(&statement[index], "set") {
            return None;
        }
        let mut rest = &statement[index + 1..];
        let is_scope = |token: &Token| is_word(token, "local") || is_word(token, "session");
        if let [scope, name, ..] = rest
            && is_scope(scope)
            && !is_word(name, "authorization")
        {
            rest = &rest[1..];
        }
        let named = rest.first()?;
        let next = rest.get(1);
        let setting = name(named)?.to_ascii_lowercase();
        let is_followed_by_text = next.is_some_and(|token| matches!(token.kind, Kind::Text { .. }));
        let setting = match setting.as_str() {
            "session" if next.is_some_and(|token| is_word(token, "authorization")) => "session_authorization",
            "schema" if is_followed_by_text => "search_path",
            "names" if is_followed_by_text => "client_encoding",
            "all" if is_reset => "every setting",
            "role" if is_assignment(index) => return None,
            setting => SETTINGS.into_iter().find(|known| *known == setting)?,
        };
        Some(changes(named, setting))
    })
}

fn changes(token: &Token, setting: &str) -> Rejection {
    let message = match setting {
        "every setting" => "this changes every setting and with that the meaning of later statements".to_owned(),
        setting => format!("this changes `{setting}` and with that the meaning of later statements"),
    };
    rejection(token, message, KEEP_SETTINGS)
}

/// Rejects the function `set_config`, unless it clearly changes another setting.
fn set_config(statement: &[Token]) -> Option<Rejection> {
    let index = (statement.iter()).position(|token| name(token) == Some("set_config"))?;
    let Some(Kind::Text { content, .. }) = statement.get(index + 2).map(|token| &token.kind) else {
        let message = "the check cannot tell which setting this changes";
        return Some(rejection(&statement[index], message, KEEP_SETTINGS));
    };
    let is_whole = statement
        .get(index + 3)
        .is_some_and(|token| token.kind == Kind::Other(','));
    let setting = SETTINGS.into_iter().find(|known| content.eq_ignore_ascii_case(known));
    match setting {
        Some(setting) => Some(changes(&statement[index], setting)),
        None if is_whole => set_config(&statement[index + 3..]),
        None => {
            let message = "the check cannot tell which setting this changes";
            Some(rejection(&statement[index], message, KEEP_SETTINGS))
        }
    }
}

/// Rejects statements that drop types without naming them, or that change what a name refers to.
fn schema(statement: &[Token]) -> Option<Rejection> {
    let has = |rest: &[Token], word: &str| rest.iter().any(|token| is_word(token, word));
    (0..statement.len().saturating_sub(1)).find_map(|index| {
        let (verb, rest) = (&statement[index], &statement[index + 1..]);
        let is = |verb_is: &str, object: &str| is_word(verb, verb_is) && is_word(&rest[0], object);
        let takes_along = DROPPED_UNSEEN.iter().any(|object| is("drop", object)) && has(rest, "cascade");
        let message = if takes_along || is("drop", "owned") {
            "this drops objects that the check does not see"
        } else if is("alter", "schema") && has(rest, "rename") {
            "this moves types out of the schema of the migrations"
        } else if is("alter", "extension") && (has(rest, "add") || has(rest, "drop")) {
            "this makes objects part of an extension, and dropping an extension drops them"
        } else if is("create", "schema") {
            "this can change the first schema of `search_path` (to a schema that is named like the user)"
        } else {
            return None;
        };
        Some(rejection(verb, message, KEEP_SCHEMA))
    })
}

/// Rejects ROLLBACK and the like, which undo earlier statements of the migration.
pub(crate) fn ends_transaction(statement: &[Token]) -> Option<Rejection> {
    let first = statement.first()?;
    let prepares = is_word(first, "prepare") && statement.get(1).is_some_and(|token| is_word(token, "transaction"));
    let ends = ["rollback", "abort"].iter().any(|word| is_word(first, word));
    (prepares || ends).then(|| {
        rejection(
            first,
            "this undoes earlier statements of the migration",
            KEEP_TRANSACTION,
        )
    })
}
