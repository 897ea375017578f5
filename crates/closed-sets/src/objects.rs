//! The tables, indexes, triggers and functions that the migrations leave behind.

use std::fmt;

use crate::object_statements::{Object, ObjectChange};
use crate::place::Place;

/// The objects that exist, and the objects that were dropped or renamed.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    kept: Vec<Kept>,
    gone: Vec<Gone>,
}

#[derive(Debug)]
struct Kept {
    object: Object,
    name: String,
    on: Option<String>,
    mentions: Vec<String>,
    calls: Vec<String>,
    /// Whether this is the index of a constraint.
    is_constraint: bool,
    /// The string constants of a function, with those in its body.
    texts: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Gone {
    object: Object,
    name: String,
    pub(crate) at: Place,
    pub(crate) renamed_to: Option<String>,
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Object::Table => "table",
            Object::Index => "index",
            Object::Trigger => "trigger",
            Object::Function => "function",
        })
    }
}

impl Object {
    pub(crate) fn with_article(self) -> &'static str {
        match self {
            Object::Table => "a table",
            Object::Index => "an index",
            Object::Trigger => "a trigger",
            Object::Function => "a function",
        }
    }

    /// The object for the kind of a promised name. A SQLSTATE is not an object.
    pub(crate) fn of_kind(kind: &str) -> Option<Object> {
        let objects = [Object::Table, Object::Index, Object::Trigger, Object::Function];
        objects.into_iter().find(|object| object.to_string() == kind)
    }
}

impl Objects {
    pub(crate) fn has(&self, object: Object, name: &str) -> bool {
        self.names(object).any(|kept| kept == name)
    }

    pub(crate) fn names(&self, object: Object) -> impl Iterator<Item = &str> {
        let kept = self.kept.iter().filter(move |kept| kept.object == object);
        kept.map(|kept| kept.name.as_str())
    }

    /// Any object with this name.
    pub(crate) fn other(&self, name: &str) -> Option<Object> {
        self.kept.iter().find(|kept| kept.name == name).map(|kept| kept.object)
    }

    /// The last drop or renaming of an object.
    pub(crate) fn gone(&self, object: Object, name: &str) -> Option<&Gone> {
        let mut gone = self.gone.iter().rev();
        gone.find(|gone| gone.object == object && gone.name == name)
    }

    /// Whether a function, or the code in it, contains this string constant.
    pub(crate) fn contains_text(&self, text: &str) -> bool {
        self.kept
            .iter()
            .any(|kept| kept.texts.iter().any(|constant| constant == text))
    }

    /// Applies the changes of a statement with these string constants.
    pub(crate) fn apply(&mut self, changes: Vec<ObjectChange>, texts: &[String], at: &Place) {
        // IF NOT EXISTS does nothing if any relation has this name; constraints are not created either.
        if let Some(ObjectChange::Create {
            name,
            if_not_exists: true,
            ..
        }) = changes.first()
            && (self.has(Object::Table, &name.text) || self.has(Object::Index, &name.text))
        {
            return;
        }
        for change in changes {
            self.apply_one(change, texts, at);
        }
    }

    fn apply_one(&mut self, change: ObjectChange, texts: &[String], at: &Place) {
        match change {
            ObjectChange::Create {
                object,
                name,
                on,
                mentions,
                calls,
                if_not_exists: _,
                is_constraint,
            } => {
                let texts = match object {
                    Object::Function => texts.to_owned(),
                    _ => Vec::new(),
                };
                // CREATE OR REPLACE.
                let is_same = |kept: &Kept| kept.object == object && kept.name == name.text && kept.on == on;
                self.kept.retain(|kept| !is_same(kept));
                self.kept.push(Kept {
                    object,
                    name: name.text,
                    on,
                    mentions,
                    calls,
                    is_constraint,
                    texts,
                });
            }
            ObjectChange::Drop {
                object,
                name,
                on,
                cascades,
            } => {
                let name = name.text;
                self.drop(at, |kept| {
                    let is_it = kept.object == object && kept.name == name && (on.is_none() || kept.on == on);
                    let is_on_it = object == Object::Table && kept.on.as_ref() == Some(&name);
                    let uses_it = cascades && object == Object::Function && kept.on.is_some();
                    is_it || is_on_it || (uses_it && kept.calls.contains(&name))
                });
            }
            ObjectChange::AddConstraint { index, name } => {
                self.rename(at, &index, &name, |kept| kept.object == Object::Index);
                for kept in self
                    .kept
                    .iter_mut()
                    .filter(|kept| kept.object == Object::Index && kept.name == name)
                {
                    kept.is_constraint = true;
                }
            }
            ObjectChange::DropConstraint { table, name } => self.drop(at, |kept| {
                kept.is_constraint && kept.name == name && kept.on.as_ref() == Some(&table)
            }),
            ObjectChange::RenameConstraint { table, from, to } => {
                self.rename(at, &from, &to, |kept| {
                    kept.is_constraint && kept.on.as_ref() == Some(&table)
                });
            }
            ObjectChange::DropColumn {
                table,
                column,
                cascades,
            } => self.drop(at, |kept| {
                let is_taken = kept.object == Object::Index || (cascades && kept.object == Object::Trigger);
                is_taken && kept.on.as_ref() == Some(&table) && kept.mentions.contains(&column.text)
            }),
            ObjectChange::RenameColumn { table, from, to } => {
                for kept in self.kept.iter_mut().filter(|kept| kept.on.as_ref() == Some(&table)) {
                    rename(&mut kept.mentions, &from, &to);
                }
            }
            ObjectChange::RenameRelation { from, to } => {
                for kept in &mut self.kept {
                    if kept.on.as_ref() == Some(&from.text) {
                        kept.on = Some(to.clone());
                    }
                }
                let is_relation = |kept: &Kept| matches!(kept.object, Object::Table | Object::Index);
                self.rename(at, &from.text, &to, is_relation);
            }
            ObjectChange::RenameTrigger { on, from, to } => {
                self.rename(at, &from.text, &to, |kept| {
                    kept.object == Object::Trigger && kept.on.as_ref() == Some(&on)
                });
            }
            ObjectChange::RenameFunction { from, to } => {
                for kept in &mut self.kept {
                    rename(&mut kept.calls, &from.text, &to);
                }
                self.rename(at, &from.text, &to, |kept| kept.object == Object::Function);
            }
        }
    }

    fn drop(&mut self, at: &Place, is_dropped: impl Fn(&Kept) -> bool) {
        let (dropped, kept) = std::mem::take(&mut self.kept).into_iter().partition(is_dropped);
        self.kept = kept;
        self.gone.extend(dropped.into_iter().map(|dropped: Kept| Gone {
            object: dropped.object,
            name: dropped.name,
            at: at.clone(),
            renamed_to: None,
        }));
    }

    fn rename(&mut self, at: &Place, from: &str, to: &str, is_of_kind: impl Fn(&Kept) -> bool) {
        for kept in self
            .kept
            .iter_mut()
            .filter(|kept| kept.name == from && is_of_kind(kept))
        {
            kept.name = to.to_owned();
            self.gone.push(Gone {
                object: kept.object,
                name: from.to_owned(),
                at: at.clone(),
                renamed_to: Some(to.to_owned()),
            });
        }
    }
}

fn rename(names: &mut [String], from: &str, to: &str) {
    for name in names.iter_mut().filter(|name| *name == from) {
        *name = to.to_owned();
    }
}
