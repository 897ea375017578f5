//! The string constants of a statement: they hold labels and code.

use crate::statement_kind::type_statement;
use crate::tokens::{Kind, Token, is_word, statements};

/// Whether a string constant of the statement is this label, by itself or in an array's braces. COMMENT ON does not use
/// labels, and ALTER TYPE may name a label that is not committed yet.
pub(crate) fn uses(statement: &[Token], label: &str) -> bool {
    let is_label = |content: &str| {
        let array = content.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        array
            .unwrap_or(content)
            .split(',')
            .any(|element| element.trim().trim_matches('"') == label)
    };
    let is_comment = statement.first().is_some_and(|token| is_word(token, "comment"));
    !is_comment
        && type_statement(statement).is_none()
        && of_statement(statement).iter().any(|text| is_label(&text.content))
}

/// A string constant of a statement, or of the code in another string constant.
pub(crate) struct StringConstant {
    pub(crate) content: String,
    /// The offset of the outermost constant.
    pub(crate) offset: usize,
    pub(crate) depth: usize,
}

/// String constants are searched for code to this depth.
pub(crate) const MAX_DEPTH: usize = 5;

/// All string constants of a statement, those inside others included.
pub(crate) fn of_statement(statement: &[Token]) -> Vec<StringConstant> {
    let strings = |statement: &[Token], outer: Option<(usize, usize)>| -> Vec<StringConstant> {
        let (offset, depth) = outer.map_or((None, 0), |(offset, depth)| (Some(offset), depth + 1));
        (statement.iter())
            .filter_map(|token| match &token.kind {
                Kind::Text { content, .. } => Some(StringConstant {
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
            // A text that is not SQL, such as a message with an apostrophe, contains no strings.
            let inner: Vec<StringConstant> = statements(&text.content)
                .unwrap_or_default()
                .iter()
                .flat_map(|statement| strings(statement, outer))
                .collect();
            texts.extend(inner);
        }
    }
    texts
}

/// The contents of all string constants of a statement, those inside others included.
pub(crate) fn contents(statement: &[Token]) -> Vec<String> {
    of_statement(statement).into_iter().map(|text| text.content).collect()
}
