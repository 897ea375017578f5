//! The Rust enums that derive `DbEnum`: their variants, and the labels that the derive gives them.
//!
//! The parser reads tokens instead of a syntax tree. Little grammar is enough, deep nesting cannot overflow the stack, and
//! a `DbEnum` that the parser does not understand is a finding.

use std::sync::Arc;

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};

use crate::finding::Finding;
use crate::label_length;
use crate::place::{Place, Word};
use crate::rust_attributes::{Attribute, SETTINGS, between_commas, is_ident, settings, split_attributes};
use crate::rust_source::RustSource;
use crate::snake_case::snake_case;

const DERIVE: &str = "DbEnum";

#[derive(Debug)]
pub(crate) struct RustEnum {
    pub(crate) name: String,
    /// The PostgreSQL type that the derive's attributes name.
    pub(crate) set: String,
    pub(crate) at: Place,
    pub(crate) variants: Vec<Variant>,
}

#[derive(Debug)]
pub(crate) struct Variant {
    pub(crate) name: String,
    pub(crate) label: Word,
    pub(crate) is_deprecated: bool,
}

/// The enums of a file, and whether every `DbEnum` in it was understood.
pub(crate) fn parse(file: &Arc<str>, text: &str, findings: &mut Vec<Finding>) -> (Vec<RustEnum>, bool) {
    let source = RustSource { file: Arc::clone(file) };
    let tokens: TokenStream = match text.parse() {
        Ok(tokens) => tokens,
        Err(error) => {
            findings.push(source.not_understood(error.span(), "this is not Rust", "correct the syntax"));
            return (Vec::new(), false);
        }
    };
    let mut enums = Vec::new();
    let mut is_whole = true;
    for item in items(tokens) {
        let derives = spans_of(DERIVE, &item);
        if derives.is_empty() {
            continue;
        }
        if is_import(&item) {
            if !spans_of("as", &item).is_empty() {
                is_whole = false;
                let help = format!("import `{DERIVE}` in a statement of its own, without `as`");
                findings.push(source.not_understood(derives[0], "the derive is imported under another name", &help));
            }
            continue;
        }
        match read_enum(&source, &item, derives.len(), findings) {
            Ok(Read::Enum(read)) => enums.push(read),
            Ok(Read::Refused) => is_whole = false,
            Ok(Read::OutOfSight) => {
                is_whole = false;
                // In a module, behind cfg_attr or on a struct: nothing would check this set.
                let help =
                    format!("write `#[derive({DERIVE}, …)] #[db_enum(…)] pub enum …` at the top level of {file}");
                findings.push(source.not_understood(
                    derives[0],
                    &format!("the check cannot read this `{DERIVE}`"),
                    &help,
                ));
            }
            Err(finding) => {
                is_whole = false;
                findings.push(finding);
            }
        }
    }
    (enums, is_whole)
}

/// The tokens of a file by items. An item ends at its semicolon or its braces.
fn items(tokens: TokenStream) -> Vec<Vec<TokenTree>> {
    let mut items = vec![Vec::new()];
    for token in tokens {
        let ends = match &token {
            TokenTree::Punct(punct) => punct.as_char() == ';',
            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
            _ => false,
        };
        if let Some(item) = items.last_mut() {
            item.push(token);
        }
        if ends {
            items.push(Vec::new());
        }
    }
    items
}

/// The positions of an identifier in tokens, at any depth.
fn spans_of(word: &str, tokens: &[TokenTree]) -> Vec<Span> {
    let mut open: Vec<TokenTree> = tokens.to_vec();
    let mut found = Vec::new();
    while let Some(token) = open.pop() {
        match token {
            TokenTree::Ident(ident) if ident == word => found.push(ident.span()),
            TokenTree::Group(group) => open.extend(group.stream()),
            _ => {}
        }
    }
    found
}

fn is_import(item: &[TokenTree]) -> bool {
    let (_, rest) = split_attributes(item);
    let is_visibility = |token: &&TokenTree| is_ident(token, "pub") || matches!(token, TokenTree::Group(_));
    rest.iter()
        .find(|token| !is_visibility(token))
        .is_some_and(|token| is_ident(token, "use"))
}

/// An item that names `DbEnum`.
enum Read {
    Enum(RustEnum),
    /// An enum with findings about its variants.
    Refused,
    /// Not an enum with one plain `#[derive(DbEnum)]`.
    OutOfSight,
}

fn read_enum(
    source: &RustSource,
    item: &[TokenTree],
    derives: usize,
    findings: &mut Vec<Finding>,
) -> Result<Read, Finding> {
    let (attributes, rest) = split_attributes(item);
    let derives_it = |attribute: &&Attribute| {
        attribute.name == "derive" && attribute.arguments.iter().any(|token| is_ident(token, DERIVE))
    };
    let (Some(_), 1) = (attributes.iter().find(derives_it), derives) else {
        return Ok(Read::OutOfSight);
    };
    let Some(keyword) = rest.iter().position(|token| is_ident(token, "enum")) else {
        return Ok(Read::OutOfSight);
    };
    let [TokenTree::Ident(name), TokenTree::Group(body)] = &rest[keyword + 1..] else {
        return Ok(Read::OutOfSight);
    };
    if let Some(conditional) = attributes.iter().find(|attribute| is_conditional_set(attribute)) {
        let message = "this enum depends on a condition";
        let help = "remove the condition: a closed set is the same in every build";
        return Err(source.not_understood(conditional.at, message, help));
    }
    let mut set = snake_case(&name.to_string());
    for (key, value) in settings(source, &attributes)? {
        let value = value.unwrap_or_default();
        match key.to_string().as_str() {
            "existing_type_path" => set = snake_case(value.rsplit("::").next().unwrap_or_default()),
            "pg_type" => set = value,
            "value_style" if value == "snake_case" => {}
            "diesel_type" | "impl_clone_on_sql_mapping" => {}
            other => {
                let message = format!("the check does not know how `{other} = \"{value}\"` changes the labels");
                return Err(source.not_understood(key.span(), &message, "remove it: labels are in snake_case"));
            }
        }
    }
    let Some(variants) = read_variants(source, body, findings) else {
        return Ok(Read::Refused);
    };
    for variant in &variants {
        findings.extend(label_length::check(&variant.label).map(|finding| finding.of_set(&set)));
    }
    Ok(Read::Enum(RustEnum {
        name: name.to_string(),
        set,
        at: source.place(name.span()),
        variants,
    }))
}

/// Whether this is `#[cfg(…)]`, or `#[cfg_attr(…)]` with a setting of the derive.
fn is_conditional_set(attribute: &Attribute) -> bool {
    attribute.name == "cfg" || (attribute.name == "cfg_attr" && !spans_of(SETTINGS, &attribute.arguments).is_empty())
}

/// The variants, unless one of them was not understood.
fn read_variants(source: &RustSource, body: &Group, findings: &mut Vec<Finding>) -> Option<Vec<Variant>> {
    let tokens: Vec<TokenTree> = body.stream().into_iter().collect();
    let mut variants = Some(Vec::new());
    for variant in between_commas(&tokens).map(|variant| read_variant(source, variant)) {
        match (variant, &mut variants) {
            (Ok(variant), Some(variants)) => variants.push(variant),
            (Ok(_), None) => {}
            (Err(finding), _) => {
                findings.push(finding);
                variants = None;
            }
        }
    }
    variants
}

fn read_variant(source: &RustSource, tokens: &[TokenTree]) -> Result<Variant, Finding> {
    let (attributes, rest) = split_attributes(tokens);
    let name: &Ident = match rest {
        [TokenTree::Ident(name)] => name,
        // A discriminant changes nothing.
        [TokenTree::Ident(name), TokenTree::Punct(equals), ..] if equals.as_char() == '=' => name,
        _ => {
            let at = rest
                .get(1)
                .or(tokens.last())
                .map_or_else(Span::call_site, TokenTree::span);
            let help = "remove the fields: a value of a closed set is only a name";
            return Err(source.not_understood(at, "this variant has fields", help));
        }
    };
    let text = name.to_string();
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        let message = format!("the check cannot derive a label from `{text}`");
        return Err(source.not_understood(name.span(), &message, "use ASCII letters and digits"));
    }
    if let Some(conditional) = attributes.iter().find(|attribute| attribute.name.starts_with("cfg")) {
        let message = "this variant depends on a condition";
        return Err(source.not_understood(
            conditional.at,
            message,
            "remove the condition: a closed set is the same in every build",
        ));
    }
    let mut label = snake_case(&text);
    for (key, value) in settings(source, &attributes)? {
        match value {
            Some(value) if key == "rename" => label = value,
            _ => {
                let message = format!("the check does not know how `{key}` changes the label");
                return Err(source.not_understood(key.span(), &message, "remove it"));
            }
        }
    }
    Ok(Variant {
        name: text,
        label: Word {
            text: label,
            at: source.place(name.span()),
        },
        is_deprecated: attributes.iter().any(|attribute| attribute.name == "deprecated"),
    })
}
