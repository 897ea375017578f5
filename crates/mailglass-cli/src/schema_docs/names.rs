//! How things are called in the docs: as SQL writes them, and as the end of a link.

use std::collections::BTreeMap;

use super::model::{Column, Constraint, ConstraintKind, Docs, Enum, Function, Index, Name, Relation};

impl Name {
    /// As SQL writes it, in quotes where it needs them.
    pub(crate) fn sql(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{}.{}", identifier(schema), identifier(&self.name)),
            None => identifier(&self.name),
        }
    }

    /// As people read it.
    pub(crate) fn plain(&self) -> String {
        // Where a dot could be mistaken, in quotes all the same.
        let plain = |part: &str| {
            if part.contains('.') {
                identifier(part)
            } else {
                part.to_owned()
            }
        };
        match &self.schema {
            Some(schema) => format!("{}.{}", plain(schema), plain(&self.name)),
            None => plain(&self.name),
        }
    }
}

/// A name as SQL writes it, but for reserved words, which stand without the quotes that they would need.
pub(crate) fn identifier(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.is_empty() && name.chars().all(is_plain) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// Where a link to something ends: unique, and the same in the HTML's ids and in a URL's fragment.
pub(crate) fn anchor(kind: &str, parts: &[&str]) -> String {
    let mut anchor = kind.to_owned();
    for part in parts {
        anchor.push_str(if anchor == kind { "-" } else { "." });
        for byte in part.bytes() {
            // A dot parts the names, and a tilde marks what was replaced.
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' => anchor.push(char::from(byte)),
                other => anchor.push_str(&format!("~{other:02x}")),
            }
        }
    }
    anchor
}

impl Name {
    pub(crate) fn anchor(&self, kind: &str) -> String {
        let schema = self.schema.as_deref();
        let parts: Vec<&str> = schema.into_iter().chain([self.name.as_str()]).collect();
        anchor(kind, &parts)
    }

    /// Of something that belongs to what has this name.
    pub(crate) fn anchor_of(&self, kind: &str, part: &str) -> String {
        let schema = self.schema.as_deref();
        let parts: Vec<&str> = schema.into_iter().chain([self.name.as_str(), part]).collect();
        anchor(kind, &parts)
    }
}

impl Relation {
    /// Whether no two rows have the same value in this column.
    pub(crate) fn is_unique(&self, column: &str) -> bool {
        let is_it = |it: &Index| it.keys.len() == 1 && it.keys[0].column.as_deref() == Some(column);
        self.indexes
            .iter()
            .any(|it| it.unique && it.predicate.is_none() && is_it(it))
    }

    pub(crate) fn primary_key(&self) -> Option<&Constraint> {
        let mut constraints = self.constraints.iter();
        constraints.find(|it| it.kind == ConstraintKind::PrimaryKey)
    }

    pub(crate) fn is_in_primary_key(&self, column: &str) -> bool {
        let key = self.primary_key();
        key.is_some_and(|it| it.columns.iter().any(|it| it == column))
    }
}

impl Docs {
    /// Every column, with its table or view.
    fn columns(&self) -> impl Iterator<Item = (&Relation, &Column)> {
        let relations = self.relations.iter();
        relations.flat_map(|it| it.columns.iter().map(move |column| (it, column)))
    }

    /// The columns that are of an enum or domain, or of arrays of it.
    pub(crate) fn columns_of<'a>(&'a self, type_name: &'a Name) -> impl Iterator<Item = (&'a Relation, &'a Column)> {
        self.columns()
            .filter(move |(_, column)| column.type_name.as_ref() == Some(type_name))
    }

    pub(crate) fn relation(&self, name: &Name) -> Option<&Relation> {
        self.relations.iter().find(|it| it.name == *name)
    }

    pub(crate) fn enum_type(&self, name: &Name) -> Option<&Enum> {
        self.enums.iter().find(|it| it.name == *name)
    }

    /// The columns that hold personal data or may hold some, as far as it is known of them.
    pub(crate) fn personal_data(&self) -> Vec<(&Relation, &Column, &'static str)> {
        let personal = self.columns().filter_map(|(relation, column)| {
            let words = column.known.as_ref()?.personal_data.words()?;
            Some((relation, column, words))
        });
        personal.collect()
    }

    /// The functions, each with the end of a link to it: those of one name are told apart by a number.
    pub(crate) fn anchored_functions(&self) -> Vec<(&Function, String)> {
        let mut seen: BTreeMap<&Name, usize> = BTreeMap::new();
        let anchored = self.functions.iter().map(|it| {
            let nth = seen.entry(&it.name).or_default();
            *nth += 1;
            let anchor = it.name.anchor("function");
            // No anchor ends like this: there, two digits follow a tilde, or a name does.
            (it, if *nth == 1 { anchor } else { format!("{anchor}~~{nth}") })
        });
        anchored.collect()
    }

    /// The end of a link to a trigger's function, which takes no arguments.
    pub(crate) fn trigger_function_anchor(&self, name: &Name) -> Option<String> {
        let mut functions = self.anchored_functions().into_iter();
        let found = functions.find(|(it, _)| it.name == *name && it.arguments.is_empty());
        found.map(|(_, anchor)| anchor)
    }

    /// The end of a link to an enum or domain; nothing where the docs don't hold it.
    pub(crate) fn type_anchor(&self, name: &Name) -> Option<String> {
        let is_held = self.enum_type(name).is_some() || self.domains.iter().any(|it| it.name == *name);
        is_held.then(|| name.anchor("type"))
    }

    /// The end of a link to a table or view; nothing where the docs don't hold it.
    pub(crate) fn relation_anchor(&self, name: &Name) -> Option<String> {
        self.relation(name).map(|it| it.name.anchor("table"))
    }
}
