//! What stands in a statement's strings: labels, and code that could hold statements about types.

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

/// Where a string begins that has a statement about types in it, or nests too deeply to tell.
pub(crate) fn hidden_statement(statement: &[Token]) -> Option<usize> {
    let hides = |text: &&Text| {
        let in_code = |code: &[Token]| type_statement(code).is_some() || code.iter().any(|it| is_word(it, "pg_enum"));
        text.depth == MAX_DEPTH
            || match statements(&text.content) {
                Ok(code) => code.iter().any(|it| in_code(it)),
                Err(_) => {
                    let lower = text.content.to_lowercase();
                    let words: Vec<&str> = lower
                        .split(|c: char| !c.is_alphanumeric() && c != '_')
                        .filter(|it| !it.is_empty())
                        .collect();
                    words.contains(&"pg_enum")
                        || words
                            .windows(2)
                            .any(|pair| VERBS.contains(&pair[0]) && pair[1] == "type")
                }
            }
    };
    texts(statement).iter().find(hides).map(|it| it.offset)
}

const VERBS: [&str; 3] = ["create", "alter", "drop"];

/// Where `CREATE TYPE`, `ALTER TYPE` or `DROP TYPE` begins.
pub(crate) fn type_statement(statement: &[Token]) -> Option<usize> {
    let begins = |pair: &[Token]| is_word(&pair[1], "type") && VERBS.iter().any(|verb| is_word(&pair[0], verb));
    statement.windows(2).position(begins)
}

/// Whether a string in the statement is code: DO, or a function's body.
pub(crate) fn runs_code(statement: &[Token]) -> bool {
    let begins_with = |word| statement.first().is_some_and(|it| is_word(it, word));
    let is_routine = || {
        statement
            .iter()
            .take(4)
            .any(|it| is_word(it, "function") || is_word(it, "procedure"))
    };
    begins_with("do") || (begins_with("create") && is_routine())
}
