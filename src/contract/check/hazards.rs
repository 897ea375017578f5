//! Statements that change which labels there are, or what later statements mean, without being about types: the check
//! refuses what it doesn't follow, and says what to write instead.

use super::code::{self, Unclear};
use super::migrations::REWRITE;
use super::sql::{Kind, Token, is_word, name};

/// A statement that is refused, and where.
pub(crate) struct Hazard {
    pub(crate) offset: usize,
    pub(crate) what: String,
    pub(crate) help: &'static str,
}

/// Words that no migration needs, not even in a text that isn't a whole statement.
pub(crate) const WORDS: [&str; 3] = ["pg_enum", STRINGS, "set_config"];

const STRINGS: &str = "standard_conforming_strings";

/// What later names and strings depend on.
const SETTINGS: [&str; 5] = [
    STRINGS,
    "search_path",
    "client_encoding",
    "role",
    "session_authorization",
];

/// What takes tables, types or indexes along when it is dropped with CASCADE.
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

const KEEP_SETTINGS: &str = "leave it out: the migrations run with the settings of their connection, and their names and \
                             strings depend on these (a function may have a `SET search_path` of its own)";
const KEEP_SCHEMA: &str = "name what is to go in statements of their own (DROP TABLE, DROP TYPE, …): the migrations work in \
                           the one schema that `search_path` puts first, and leave schemas as they are";
const KEEP_TRANSACTION: &str =
    "leave it out: each migration runs in a transaction of its own, and takes effect as a whole";
const PLAIN_STATEMENT: &str = "write DROP or ALTER as a statement of its own";
const PLAIN_EXECUTE: &str = "write the statement as it is, or as one string constant behind EXECUTE";
const PLAIN_LANGUAGE: &str = "write the code in SQL or PL/pgSQL, which the check reads";

/// What is wrong with a statement of a migration, the code in it included.
pub(crate) fn find(statement: &[Token]) -> Option<Hazard> {
    if let Some(hazard) = in_statement(statement) {
        return Some(hazard);
    }
    if let Some(hazard) = ends_transaction(statement) {
        return Some(hazard);
    }
    if !code::runs_code(statement) {
        return None;
    }
    let (offset, why) = code::unclear(statement)?;
    let (what, help) = match why {
        Unclear::Types => ("a statement about types is hidden in this code".to_owned(), REWRITE),
        Unclear::Hazard(hazard) => (format!("in this code, {}", hazard.what), hazard.help),
        Unclear::Objects => (
            "this code drops or renames what may be a promised name".to_owned(),
            PLAIN_STATEMENT,
        ),
        Unclear::Dynamic => ("this code puts together what it executes".to_owned(), PLAIN_EXECUTE),
        Unclear::Language => ("the check doesn't read this language".to_owned(), PLAIN_LANGUAGE),
    };
    Some(Hazard { offset, what, help })
}

/// What is wrong with a statement, wherever it stands.
pub(crate) fn in_statement(statement: &[Token]) -> Option<Hazard> {
    catalog(statement)
        .or_else(|| setting(statement))
        .or_else(|| set_config(statement))
        .or_else(|| schema(statement))
}

fn hazard(token: &Token, what: impl Into<String>, help: &'static str) -> Hazard {
    Hazard {
        offset: token.offset,
        what: what.into(),
        help,
    }
}

/// `pg_enum`, and writing to any catalog, in whichever way its name is quoted.
fn catalog(statement: &[Token]) -> Option<Hazard> {
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
    let what = format!(
        "the check doesn't follow what a statement does to `{}`",
        name(token)?.escape_debug()
    );
    Some(hazard(token, what, REWRITE))
}

/// SET, RESET and their relatives, of a setting that later names and strings depend on. Settings are named without regard
/// to case, even in quotes.
fn setting(statement: &[Token]) -> Option<Hazard> {
    if let Some(token) = statement
        .iter()
        .find(|token| name(token).is_some_and(|name| name.eq_ignore_ascii_case(STRINGS)))
    {
        return Some(changes(token, STRINGS));
    }
    // For the time that it runs, a function may.
    if code::defines_routine(statement) {
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
            setting => SETTINGS.into_iter().find(|it| *it == setting)?,
        };
        Some(changes(named, setting))
    })
}

fn changes(token: &Token, setting: &str) -> Hazard {
    let what = match setting {
        "every setting" => "this changes every setting, and so what later statements mean".to_owned(),
        setting => format!("this changes `{setting}`, and so what later statements mean"),
    };
    hazard(token, what, KEEP_SETTINGS)
}

/// The function `set_config`, unless it is plain that it sets something else.
fn set_config(statement: &[Token]) -> Option<Hazard> {
    let index = (statement.iter()).position(|token| name(token) == Some("set_config"))?;
    let Some(Kind::Text { content, .. }) = statement.get(index + 2).map(|token| &token.kind) else {
        let what = "the check can't tell which setting this changes";
        return Some(hazard(&statement[index], what, KEEP_SETTINGS));
    };
    let is_whole = statement
        .get(index + 3)
        .is_some_and(|token| token.kind == Kind::Other(','));
    let setting = SETTINGS.into_iter().find(|it| content.eq_ignore_ascii_case(it));
    match setting {
        Some(setting) => Some(changes(&statement[index], setting)),
        None if is_whole => set_config(&statement[index + 3..]),
        None => {
            let what = "the check can't tell which setting this changes";
            Some(hazard(&statement[index], what, KEEP_SETTINGS))
        }
    }
}

/// What takes types along without naming them, or makes names mean something else.
fn schema(statement: &[Token]) -> Option<Hazard> {
    let has = |rest: &[Token], word: &str| rest.iter().any(|token| is_word(token, word));
    (0..statement.len().saturating_sub(1)).find_map(|index| {
        let (verb, rest) = (&statement[index], &statement[index + 1..]);
        let is = |verb_is: &str, object: &str| is_word(verb, verb_is) && is_word(&rest[0], object);
        let takes_along = DROPPED_UNSEEN.iter().any(|object| is("drop", object)) && has(rest, "cascade");
        let what = if takes_along || is("drop", "owned") {
            "this drops what the check doesn't see"
        } else if is("alter", "schema") && has(rest, "rename") {
            "this takes types out of the schema that the migrations work in"
        } else if is("alter", "extension") && (has(rest, "add") || has(rest, "drop")) {
            "this ties types to an extension, which is dropped with all that belongs to it"
        } else if is("create", "schema") {
            "this can put another schema first on the `search_path` (a schema named like the user)"
        } else {
            return None;
        };
        Some(hazard(verb, what, KEEP_SCHEMA))
    })
}

/// ROLLBACK and its like, after which earlier statements of the migration have not happened.
fn ends_transaction(statement: &[Token]) -> Option<Hazard> {
    let first = statement.first()?;
    let prepares = is_word(first, "prepare") && statement.get(1).is_some_and(|token| is_word(token, "transaction"));
    let ends = ["rollback", "abort"].iter().any(|word| is_word(first, word));
    (prepares || ends).then(|| hazard(first, "this takes back what the migration did before", KEEP_TRANSACTION))
}
