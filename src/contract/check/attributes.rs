//! Rust's attributes, as tokens.

use proc_macro2::{Ident, Span, TokenTree};

use super::enums::{SETTINGS, not_understood};
use super::finding::Finding;

/// An attribute's path, and the tokens in its parentheses.
pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) at: Span,
    pub(crate) arguments: Vec<TokenTree>,
}

/// The attributes in front, and what comes after them; a file's own (`#![…]`) are passed over.
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
            let arguments = inner.get(1).map(|it| match it {
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
pub(crate) fn settings(attributes: &[Attribute]) -> Result<Vec<(Ident, Option<String>)>, Finding> {
    let mut settings = Vec::new();
    for attribute in attributes.iter().filter(|it| it.name == SETTINGS) {
        for setting in between_commas(&attribute.arguments) {
            let read = match setting {
                [TokenTree::Ident(key)] => Some((key.clone(), None)),
                [TokenTree::Ident(key), TokenTree::Punct(_), TokenTree::Literal(value)] => {
                    let value = value.to_string();
                    let plain = value.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
                    plain
                        .filter(|it| !it.contains('\\'))
                        .map(|it| (key.clone(), Some(it.to_owned())))
                }
                _ => None,
            };
            let unread = || {
                not_understood(
                    setting[0].span(),
                    "this setting is not understood",
                    "write `key = \"value\"`",
                )
            };
            settings.push(read.ok_or_else(unread)?);
        }
    }
    Ok(settings)
}

/// The elements of a list, without the empty one after its last comma.
pub(crate) fn between_commas(tokens: &[TokenTree]) -> impl Iterator<Item = &[TokenTree]> {
    let is_comma = |it: &TokenTree| matches!(it, TokenTree::Punct(punct) if punct.as_char() == ',');
    tokens.split(is_comma).filter(|it| !it.is_empty())
}

pub(crate) fn is_ident(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}
