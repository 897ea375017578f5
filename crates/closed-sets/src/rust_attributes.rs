//! Attributes in Rust source, as tokens.

use proc_macro2::{Ident, Span, TokenTree};

use crate::finding::Finding;
use crate::rust_source::RustSource;

/// The derive's attribute.
pub(crate) const SETTINGS: &str = "db_enum";

/// An attribute's path, and the tokens in its parentheses.
pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) at: Span,
    pub(crate) arguments: Vec<TokenTree>,
}

/// Splits the outer attributes off the front of an item. Inner attributes (`#![…]`) are skipped.
pub(crate) fn split_attributes(mut tokens: &[TokenTree]) -> (Vec<Attribute>, &[TokenTree]) {
    let mut attributes = Vec::new();
    loop {
        let (group, rest) = match tokens {
            [TokenTree::Punct(hash), TokenTree::Group(group), rest @ ..] if hash.as_char() == '#' => (group, rest),
            [
                TokenTree::Punct(hash),
                TokenTree::Punct(_),
                TokenTree::Group(_),
                rest @ ..,
            ] if hash.as_char() == '#' => {
                tokens = rest;
                continue;
            }
            _ => return (attributes, tokens),
        };
        let inner: Vec<TokenTree> = group.stream().into_iter().collect();
        if let Some(TokenTree::Ident(name)) = inner.first() {
            let arguments = inner.get(1).map(|token| match token {
                TokenTree::Group(arguments) => arguments.stream().into_iter().collect(),
                _ => Vec::new(),
            });
            attributes.push(Attribute {
                name: name.to_string(),
                at: name.span(),
                arguments: arguments.unwrap_or_default(),
            });
        }
        tokens = rest;
    }
}

/// The `key = "value"` pairs and bare keys of all `#[db_enum(…)]` attributes.
pub(crate) fn settings(source: &RustSource, attributes: &[Attribute]) -> Result<Vec<(Ident, Option<String>)>, Finding> {
    let mut settings = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.name == SETTINGS) {
        for setting in between_commas(&attribute.arguments) {
            let read = match setting {
                [TokenTree::Ident(key)] => Some((key.clone(), None)),
                [TokenTree::Ident(key), TokenTree::Punct(_), TokenTree::Literal(value)] => {
                    let value = value.to_string();
                    let plain = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
                    plain
                        .filter(|text| !text.contains('\\'))
                        .map(|text| (key.clone(), Some(text.to_owned())))
                }
                _ => None,
            };
            let unread = || {
                source.not_understood(
                    setting[0].span(),
                    "the check does not understand this setting",
                    "write `key = \"value\"`",
                )
            };
            settings.push(read.ok_or_else(unread)?);
        }
    }
    Ok(settings)
}

/// The elements of a list, without the empty one after a trailing comma.
pub(crate) fn between_commas(tokens: &[TokenTree]) -> impl Iterator<Item = &[TokenTree]> {
    let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
    tokens.split(is_comma).filter(|element| !element.is_empty())
}

pub(crate) fn is_ident(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}
