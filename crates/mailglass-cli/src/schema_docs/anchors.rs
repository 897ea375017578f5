//! The anchors of the docs: one per object, unique in a page.

use std::collections::BTreeMap;

use super::model::{Docs, Function, Name};

/// An anchor that needs no escaping, neither as an HTML id nor in the fragment of a URL.
pub(crate) fn anchor(kind: &str, parts: &[&str]) -> String {
    let mut anchor = kind.to_owned();
    for part in parts {
        anchor.push_str(if anchor == kind { "-" } else { "." });
        for byte in part.bytes() {
            // Dots separate the parts, and tildes mark encoded bytes.
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

    /// The anchor of a part of the object with this name.
    pub(crate) fn anchor_of(&self, kind: &str, part: &str) -> String {
        let schema = self.schema.as_deref();
        let parts: Vec<&str> = schema.into_iter().chain([self.name.as_str(), part]).collect();
        anchor(kind, &parts)
    }
}

impl Docs {
    /// The functions with their anchors. Overloaded functions are numbered.
    pub(crate) fn anchored_functions(&self) -> Vec<(&Function, String)> {
        let mut seen: BTreeMap<&Name, usize> = BTreeMap::new();
        let anchored = self.functions.iter().map(|function| {
            let nth = seen.entry(&function.name).or_default();
            *nth += 1;
            let anchor = function.name.anchor("function");
            // Unique, because every other tilde is followed by two hexadecimal digits.
            (function, if *nth == 1 { anchor } else { format!("{anchor}~~{nth}") })
        });
        anchored.collect()
    }

    /// The anchor of a trigger's function, which has no arguments.
    pub(crate) fn trigger_function_anchor(&self, name: &Name) -> Option<String> {
        let mut functions = self.anchored_functions().into_iter();
        let found = functions.find(|(function, _)| function.name == *name && function.arguments.is_empty());
        found.map(|(_, anchor)| anchor)
    }

    /// The anchor of an enum or domain, if it is in the docs.
    pub(crate) fn type_anchor(&self, name: &Name) -> Option<String> {
        let is_held = self.enum_type(name).is_some() || self.domains.iter().any(|domain| domain.name == *name);
        is_held.then(|| name.anchor("type"))
    }

    /// The anchor of a table or view, if it is in the docs.
    pub(crate) fn relation_anchor(&self, name: &Name) -> Option<String> {
        self.relation(name).map(|relation| relation.name.anchor("table"))
    }
}
