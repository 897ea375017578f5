//! The closed sets as the Rust source has them: the enums that derive `DbEnum`, their variants, and the labels that the
//! derive makes of these. It reads tokens, not a syntax tree: little grammar is enough, no input can nest too deeply for
//! it, and a `DbEnum` that it doesn't understand is a finding.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};

use super::attributes::{Attribute, between_commas, is_ident, settings, split_attributes};
use super::finding::{Code, Finding, Place};
use super::manifest::Word;
use super::rows::{MAX_LABEL_BYTES, too_long};
use super::snake_case::snake_case;

pub(crate) const FILE: &str = "src/closed_sets.rs";

const DERIVE: &str = "DbEnum";
/// The derive's attribute.
pub(crate) const SETTINGS: &str = "db_enum";

#[derive(Debug)]
pub(crate) struct RustEnum {
    pub(crate) name: String,
    /// The Postgres type, as the derive's attributes name it.
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

/// The enums, and whether all that the file says about closed sets was understood.
pub(crate) fn parse(text: &str, findings: &mut Vec<Finding>) -> (Vec<RustEnum>, bool) {
    let tokens: TokenStream = match text.parse() {
        Ok(tokens) => tokens,
        Err(error) => {
            findings.push(not_understood(error.span(), "this is not Rust", "correct it"));
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
                findings.push(not_understood(
                    derives[0],
                    "the derive is imported under another name",
                    &help,
                ));
            }
            continue;
        }
        match read_enum(&item, derives.len(), findings) {
            Ok(Read::Enum(read)) => enums.push(read),
            Ok(Read::Refused) => is_whole = false,
            Ok(Read::OutOfSight) => {
                is_whole = false;
                // In a module, behind cfg_attr, on a struct: a set that would be held to nothing.
                let help =
                    format!("write `#[derive({DERIVE}, …)] #[db_enum(…)] pub enum …` at the top level of {FILE}");
                findings.push(not_understood(
                    derives[0],
                    &format!("this `{DERIVE}` is out of the check's sight"),
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

pub(crate) fn not_understood(at: Span, what: &str, help: &str) -> Finding {
    Finding::new(Code::Rust, &place(at), what, help)
}

fn place(span: Span) -> Place {
    let start = span.start();
    Place::new(FILE, start.line, start.column + 1)
}

/// The tokens of a file, item by item: an item ends at its semicolon or its braces.
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

/// Where tokens say a word, at any depth.
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
    let is_visibility = |it: &&TokenTree| is_ident(it, "pub") || matches!(it, TokenTree::Group(_));
    rest.iter()
        .find(|it| !is_visibility(it))
        .is_some_and(|it| is_ident(it, "use"))
}

/// What an item with a `DbEnum` in it is.
enum Read {
    Enum(RustEnum),
    /// An enum; what is wrong with its variants is found already.
    Refused,
    /// No enum that derives `DbEnum` once and says so in an attribute of its own.
    OutOfSight,
}

fn read_enum(item: &[TokenTree], derives: usize, findings: &mut Vec<Finding>) -> Result<Read, Finding> {
    let (attributes, rest) = split_attributes(item);
    let derives_it = |it: &&Attribute| it.name == "derive" && it.arguments.iter().any(|token| is_ident(token, DERIVE));
    let (Some(_), 1) = (attributes.iter().find(derives_it), derives) else {
        return Ok(Read::OutOfSight);
    };
    let Some(keyword) = rest.iter().position(|it| is_ident(it, "enum")) else {
        return Ok(Read::OutOfSight);
    };
    let [TokenTree::Ident(name), TokenTree::Group(body)] = &rest[keyword + 1..] else {
        return Ok(Read::OutOfSight);
    };
    if let Some(conditional) = attributes.iter().find(|attribute| is_conditional_set(attribute)) {
        let what = "what the derive makes of this enum depends on a condition";
        let help = "write `#[db_enum(…)]` and the enum without one: a closed set is the same in every build";
        return Err(not_understood(conditional.at, what, help));
    }
    let mut set = snake_case(&name.to_string());
    for (key, value) in settings(&attributes)? {
        let value = value.unwrap_or_default();
        match key.to_string().as_str() {
            "existing_type_path" => set = snake_case(value.rsplit("::").next().unwrap_or_default()),
            "pg_type" => set = value,
            "value_style" if value == "snake_case" => {}
            "diesel_type" | "impl_clone_on_sql_mapping" => {}
            other => {
                let what = format!("the check doesn't know what `{other} = \"{value}\"` does to the labels");
                return Err(not_understood(
                    key.span(),
                    &what,
                    "leave it out: labels are in snake_case",
                ));
            }
        }
    }
    let Some(variants) = read_variants(body, findings) else {
        return Ok(Read::Refused);
    };
    for variant in &variants {
        let label = &variant.label;
        if label.text.len() > MAX_LABEL_BYTES {
            findings.push(too_long(label).of_set(&set));
        }
    }
    Ok(Read::Enum(RustEnum {
        name: name.to_string(),
        set,
        at: place(name.span()),
        variants,
    }))
}

/// `#[cfg(…)]`, and `#[cfg_attr(…)]` with a setting of the derive in it.
fn is_conditional_set(attribute: &Attribute) -> bool {
    attribute.name == "cfg" || (attribute.name == "cfg_attr" && !spans_of(SETTINGS, &attribute.arguments).is_empty())
}

/// The variants, unless one of them is not understood; each such is a finding.
fn read_variants(body: &Group, findings: &mut Vec<Finding>) -> Option<Vec<Variant>> {
    let tokens: Vec<TokenTree> = body.stream().into_iter().collect();
    let mut variants = Some(Vec::new());
    for variant in between_commas(&tokens).map(read_variant) {
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

fn read_variant(tokens: &[TokenTree]) -> Result<Variant, Finding> {
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
            let help = "a value of a closed set is a name, without fields";
            return Err(not_understood(at, "this variant is more than a name", help));
        }
    };
    let text = name.to_string();
    if !text.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_') {
        let what = format!("the check can't tell the label of `{text}`");
        return Err(not_understood(
            name.span(),
            &what,
            "name it in ASCII letters and digits",
        ));
    }
    if let Some(conditional) = attributes.iter().find(|it| it.name.starts_with("cfg")) {
        let what = "this variant is there only under a condition";
        return Err(not_understood(
            conditional.at,
            what,
            "a closed set is the same in every build",
        ));
    }
    let mut label = snake_case(&text);
    for (key, value) in settings(&attributes)? {
        match value {
            Some(value) if key == "rename" => label = value,
            _ => {
                let what = format!("the check doesn't know what `{key}` does to the label");
                return Err(not_understood(key.span(), &what, "leave it out"));
            }
        }
    }
    Ok(Variant {
        name: text,
        label: Word {
            text: label,
            at: place(name.span()),
        },
        is_deprecated: attributes.iter().any(|it| it.name == "deprecated"),
    })
}
