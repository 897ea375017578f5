//! What stands in a statement's strings: labels, and code that could hold statements about types.

use super::hazards::{self, Hazard};
use super::sql::{Kind, Token, is_word, statements};

/// Whether a text anywhere in the statement has this label as its content, alone or in an array's braces. A comment's
/// text is nobody's label, and ALTER TYPE may name one that isn't committed yet.
pub(crate) fn uses(statement: &[Token], label: &str) -> bool {
    let is_label = |content: &str| {
        let array = content.strip_prefix('{').and_then(|it| it.strip_suffix('}'));
        array
            .unwrap_or(content)
            .split(',')
            .any(|it| it.trim().trim_matches('"') == label)
    };
    let is_comment = statement.first().is_some_and(|it| is_word(it, "comment"));
    !is_comment && type_statement(statement).is_none() && texts(statement).iter().any(|text| is_label(&text.content))
}

/// A string constant in a statement, or inside another one that is code.
struct Text {
    content: String,
    /// Of the outermost one.
    offset: usize,
    depth: usize,
}

/// Code in code in code: nobody writes more.
const MAX_DEPTH: usize = 5;

/// All string constants, those inside others included.
fn texts(statement: &[Token]) -> Vec<Text> {
    let strings = |statement: &[Token], outer: Option<(usize, usize)>| -> Vec<Text> {
        let (offset, depth) = outer.map_or((None, 0), |(offset, depth)| (Some(offset), depth + 1));
        (statement.iter())
            .filter_map(|token| match &token.kind {
                Kind::Text { content, .. } => Some(Text {
                    content: content.clone(),
                    offset: offset.unwrap_or(token.offset),
                    depth,
                }),
                _ => None,
            })
            .collect()
    };
    let mut texts = strings(statement, None);
    let mut next = 0;
    while let Some(text) = texts.get(next) {
        next += 1;
        if text.depth < MAX_DEPTH {
            let outer = Some((text.offset, text.depth));
            // What can't be read as SQL (a message with an apostrophe) has no strings in it.
            let inner: Vec<Text> = statements(&text.content)
                .unwrap_or_default()
                .iter()
                .flat_map(|it| strings(it, outer))
                .collect();
            texts.extend(inner);
        }
    }
    texts
}

/// The contents of all string constants, those inside others included.
pub(crate) fn contents(statement: &[Token]) -> Vec<String> {
    texts(statement).into_iter().map(|text| text.content).collect()
}

/// Why the check can't say what the code in a statement's strings does to types.
pub(crate) enum Unclear {
    /// A statement about types, or code in too many layers to tell.
    Types,
    /// A statement that changes labels without naming a type.
    Hazard(Hazard),
    /// A statement that drops or renames what may be promised.
    Objects,
    /// A statement that the code puts together when it runs.
    Dynamic,
    Language,
}

/// The first string whose code the check can't follow: where it begins, and why.
pub(crate) fn unclear(statement: &[Token]) -> Option<(usize, Unclear)> {
    if let Some(offset) = foreign_language(statement) {
        return Some((offset, Unclear::Language));
    }
    texts(statement).iter().find_map(|text| {
        let why = if text.depth == MAX_DEPTH {
            Unclear::Types
        } else {
            match statements(&text.content) {
                Ok(code) => code.iter().find_map(|statement| unclear_code(statement))?,
                // Not SQL by itself, but it may be one piece of a statement.
                Err(_) => has_dangerous_words(&text.content).then_some(Unclear::Types)?,
            }
        };
        Some((text.offset, why))
    })
}

fn unclear_code(code: &[Token]) -> Option<Unclear> {
    if type_statement(code).is_some() {
        Some(Unclear::Types)
    } else if let Some(hazard) = hazards::in_statement(code) {
        Some(Unclear::Hazard(hazard))
    } else if takes_away(code) {
        Some(Unclear::Objects)
    } else if runs_what_it_builds(code) {
        Some(Unclear::Dynamic)
    } else {
        None
    }
}

/// Whether code drops, renames or moves tables, indexes, triggers or functions. What it makes is left aside: a promise of
/// that is missed.
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

/// Whether PL/pgSQL's EXECUTE gets anything but one string constant, which is looked into like every other.
fn runs_what_it_builds(code: &[Token]) -> bool {
    let after = |word: &Token| ["into", "using", "loop"].iter().any(|it| is_word(word, it));
    let is_dynamic = |index: usize| {
        let rest = &code[index + 1..];
        // A trigger's function, and the privilege.
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
        !is_no_command && !is_constant
    };
    (0..code.len()).any(|index| is_word(&code[index], "execute") && is_dynamic(index))
}

/// Where a language stands whose code is not SQL.
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
    words.iter().any(|word| hazards::WORDS.contains(word))
        || words
            .windows(2)
            .any(|pair| VERBS.contains(&pair[0]) && pair[1] == "type")
}

const VERBS: [&str; 3] = ["create", "alter", "drop"];

/// Where `CREATE TYPE`, `ALTER TYPE` or `DROP TYPE` begins.
pub(crate) fn type_statement(statement: &[Token]) -> Option<usize> {
    let begins = |pair: &[Token]| is_word(&pair[1], "type") && VERBS.iter().any(|verb| is_word(&pair[0], verb));
    statement.windows(2).position(begins)
}

/// Whether a string in the statement is code: DO, or a function's body.
pub(crate) fn runs_code(statement: &[Token]) -> bool {
    let begins_with = |word| statement.first().is_some_and(|token| is_word(token, word));
    begins_with("do") || (begins_with("create") && defines_routine(statement))
}

/// Whether a statement makes or changes a function or a procedure.
pub(crate) fn defines_routine(statement: &[Token]) -> bool {
    let is_one_of = |token: &Token, words: &[&str]| words.iter().any(|word| is_word(token, word));
    let defines = statement
        .first()
        .is_some_and(|token| is_one_of(token, &["create", "alter"]));
    let is_routine = |token: &Token| is_one_of(token, &["function", "procedure", "routine"]);
    defines && statement.iter().take(4).any(is_routine)
}
