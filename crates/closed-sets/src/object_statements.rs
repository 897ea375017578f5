//! Reads the statements that create, rename and drop tables, indexes, triggers and functions.

use crate::tokens::{Kind, Token, is_word, name};
use crate::type_statements::At;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Object {
    Table,
    Index,
    Trigger,
    Function,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ObjectChange {
    Create {
        object: Object,
        name: At,
        /// The table of an index or a trigger.
        on: Option<String>,
        /// The names in its definition. Dropping a column of these names also drops the object.
        mentions: Vec<String>,
        /// The functions that its definition calls. Dropping one of these can also drop the object.
        calls: Vec<String>,
        if_not_exists: bool,
        is_constraint: bool,
    },
    /// `ADD CONSTRAINT name UNIQUE USING INDEX index`, which renames the index.
    AddConstraint {
        index: String,
        name: String,
    },
    DropConstraint {
        table: String,
        name: String,
    },
    RenameConstraint {
        table: String,
        from: String,
        to: String,
    },
    /// DROP, or SET SCHEMA, which moves the object out of the schema of the migrations.
    Drop {
        object: Object,
        name: At,
        on: Option<String>,
        cascades: bool,
    },
    DropColumn {
        table: String,
        column: At,
        cascades: bool,
    },
    RenameColumn {
        table: String,
        from: String,
        to: String,
    },
    /// ALTER TABLE and ALTER INDEX rename both tables and indexes.
    RenameRelation {
        from: At,
        to: String,
    },
    RenameTrigger {
        on: String,
        from: At,
        to: String,
    },
    RenameFunction {
        from: At,
        to: String,
    },
}

/// Reads the changes that a statement makes to objects. A CREATE that is not understood creates nothing, so a promised name is
/// reported as missing.
pub(crate) fn read(statement: &[Token]) -> Vec<ObjectChange> {
    let mut reader = Reader { tokens: statement };
    let read = if reader.takes(&["create"]) {
        create(reader, statement)
    } else if reader.takes(&["drop"]) {
        drop(reader)
    } else if reader.takes(&["alter"]) {
        alter(reader)
    } else {
        None
    };
    read.unwrap_or_default()
}

fn create(mut reader: Reader<'_>, statement: &[Token]) -> Option<Vec<ObjectChange>> {
    let _ = reader.takes(&["or", "replace"]);
    let mut changes = Vec::new();
    if reader.takes(&["function"]) {
        let (name, is_plain) = reader.qualified()?;
        changes.extend(is_plain.then(|| created(Object::Function, name, None, &[])));
        return Some(changes);
    }
    let _ = reader.takes(&["constraint"]);
    if reader.takes(&["trigger"]) {
        let name = reader.name()?;
        reader.skip_to("on")?;
        let (on, _) = reader.qualified()?;
        return Some(vec![created(Object::Trigger, name, Some(on.text), statement)]);
    }
    let _ = reader.takes(&["unique"]);
    if reader.takes(&["index"]) {
        let _ = reader.takes(&["concurrently"]);
        let if_not_exists = reader.takes(&["if", "not", "exists"]);
        let name = reader.name()?;
        reader.skip_to("on")?;
        let _ = reader.takes(&["only"]);
        let (on, _) = reader.qualified()?;
        return Some(vec![ObjectChange::Create {
            object: Object::Index,
            name,
            on: Some(on.text),
            mentions: names(reader.tokens),
            calls: calls(reader.tokens),
            if_not_exists,
            is_constraint: false,
        }]);
    }
    let _ = reader.takes(&["unlogged"]);
    if reader.takes(&["table"]) {
        let if_not_exists = reader.takes(&["if", "not", "exists"]);
        let (name, is_plain) = reader.qualified()?;
        if is_plain {
            changes.extend(constraints(&name.text, reader.tokens));
            let table = ObjectChange::Create {
                object: Object::Table,
                name,
                on: None,
                mentions: Vec::new(),
                calls: Vec::new(),
                if_not_exists,
                is_constraint: false,
            };
            changes.insert(0, table);
        }
    }
    Some(changes)
}

fn created(object: Object, name: At, on: Option<String>, definition: &[Token]) -> ObjectChange {
    ObjectChange::Create {
        object,
        name,
        on,
        mentions: names(definition),
        calls: calls(definition),
        if_not_exists: false,
        is_constraint: false,
    }
}

/// The indexes of named constraints.
fn constraints(table: &str, tokens: &[Token]) -> Vec<ObjectChange> {
    let makes_index = |token: &Token| ["unique", "primary", "exclude"].iter().any(|word| is_word(token, word));
    let constraint = |(index, tokens_of): (usize, &[Token])| {
        let [keyword, named, kind] = tokens_of else {
            return None;
        };
        let is_index = is_word(keyword, "constraint") && makes_index(kind);
        let name = name(named).filter(|_| is_index)?;
        let name = At {
            text: name.to_owned(),
            offset: named.offset,
        };
        let definition = actions(&tokens[index..]).next().unwrap_or_default();
        Some(ObjectChange::Create {
            object: Object::Index,
            name,
            on: Some(table.to_owned()),
            mentions: names(definition),
            calls: calls(definition),
            if_not_exists: false,
            is_constraint: true,
        })
    };
    tokens.windows(3).enumerate().filter_map(constraint).collect()
}

fn drop(mut reader: Reader<'_>) -> Option<Vec<ObjectChange>> {
    let cascades = reader.tokens.last().is_some_and(|token| is_word(token, "cascade"));
    if reader.takes(&["trigger"]) {
        let _ = reader.takes(&["if", "exists"]);
        let name = reader.name()?;
        reader.skip_to("on")?;
        let (on, _) = reader.qualified()?;
        return Some(vec![ObjectChange::Drop {
            object: Object::Trigger,
            name,
            on: Some(on.text),
            cascades,
        }]);
    }
    let object = reader.object()?;
    let _ = reader.takes(&["concurrently"]);
    let _ = reader.takes(&["if", "exists"]);
    let mut changes = Vec::new();
    for listed in actions(reader.tokens) {
        let (name, _) = Reader { tokens: listed }.qualified()?;
        changes.push(ObjectChange::Drop {
            object,
            name,
            on: None,
            cascades,
        });
    }
    Some(changes)
}

fn alter(mut reader: Reader<'_>) -> Option<Vec<ObjectChange>> {
    if reader.takes(&["trigger"]) {
        let from = reader.name()?;
        reader.skip_to("on")?;
        let (on, _) = reader.qualified()?;
        let to = reader.takes(&["rename", "to"]).then(|| reader.name())??;
        return Some(vec![ObjectChange::RenameTrigger {
            on: on.text,
            from,
            to: to.text,
        }]);
    }
    let object = reader.object()?;
    let _ = reader.takes(&["if", "exists"]);
    let _ = reader.takes(&["only"]);
    let (name, _) = reader.qualified()?;
    if object == Object::Function {
        reader.skip_parentheses();
    }
    let _ = reader.takes_symbol('*');
    if reader.takes(&["rename", "to"]) {
        let to = reader.name()?.text;
        return Some(vec![match object {
            Object::Function => ObjectChange::RenameFunction { from: name, to },
            _ => ObjectChange::RenameRelation { from: name, to },
        }]);
    }
    if reader.takes(&["set", "schema"]) {
        return Some(vec![ObjectChange::Drop {
            object,
            name,
            on: None,
            cascades: false,
        }]);
    }
    if object != Object::Table {
        return None;
    }
    let table = name.text;
    if reader.takes(&["rename", "constraint"]) {
        let from = reader.name()?.text;
        let to = reader.takes(&["to"]).then(|| reader.name())??.text;
        return Some(vec![ObjectChange::RenameConstraint { table, from, to }]);
    }
    if reader.takes(&["rename"]) {
        let _ = reader.takes(&["column"]);
        let from = reader.name()?.text;
        let to = reader.takes(&["to"]).then(|| reader.name())??.text;
        return Some(vec![ObjectChange::RenameColumn { table, from, to }]);
    }
    let actions = actions(reader.tokens);
    Some(actions.flat_map(|action| alter_table(&table, action)).collect())
}

/// Reads one action of ALTER TABLE.
fn alter_table(table: &str, action: &[Token]) -> Vec<ObjectChange> {
    let mut reader = Reader { tokens: action };
    let cascades = action.last().is_some_and(|token| is_word(token, "cascade"));
    if reader.takes(&["drop", "constraint"]) {
        let _ = reader.takes(&["if", "exists"]);
        let dropped = reader.name().map(|name| ObjectChange::DropConstraint {
            table: table.to_owned(),
            name: name.text,
        });
        return dropped.into_iter().collect();
    }
    if reader.takes(&["drop"]) {
        let _ = reader.takes(&["column"]);
        let _ = reader.takes(&["if", "exists"]);
        let dropped = reader.name().map(|column| ObjectChange::DropColumn {
            table: table.to_owned(),
            column,
            cascades,
        });
        return dropped.into_iter().collect();
    }
    let using = action
        .windows(3)
        .find(|tokens| is_word(&tokens[0], "using") && is_word(&tokens[1], "index"));
    let mut changes = constraints(table, action);
    if let Some([_, _, index]) = using
        && let Some(from) = name(index)
    {
        for change in &mut changes {
            if let ObjectChange::Create { name, .. } = change {
                *change = ObjectChange::AddConstraint {
                    index: from.to_owned(),
                    name: name.text.clone(),
                };
            }
        }
    }
    changes
}

/// The elements of a list or the actions of ALTER TABLE, which commas outside of parentheses separate.
fn actions(tokens: &[Token]) -> impl Iterator<Item = &[Token]> {
    let mut depth = 0_usize;
    tokens.split(move |token| {
        match token.kind {
            Kind::Other('(') => depth += 1,
            Kind::Other(')') => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && token.kind == Kind::Other(',')
    })
}

fn names(tokens: &[Token]) -> Vec<String> {
    tokens.iter().filter_map(name).map(str::to_owned).collect()
}

/// The names before a parenthesis.
fn calls(tokens: &[Token]) -> Vec<String> {
    let called = |pair: &[Token]| {
        name(&pair[0])
            .filter(|_| pair[1].kind == Kind::Other('('))
            .map(str::to_owned)
    };
    tokens.windows(2).filter_map(called).collect()
}

/// The rest of a statement.
struct Reader<'a> {
    tokens: &'a [Token],
}

impl Reader<'_> {
    fn takes(&mut self, words: &[&str]) -> bool {
        let matches =
            self.tokens.len() >= words.len() && self.tokens.iter().zip(words).all(|(token, word)| is_word(token, word));
        if matches {
            self.tokens = &self.tokens[words.len()..];
        }
        matches
    }

    fn takes_symbol(&mut self, symbol: char) -> bool {
        let matches = self
            .tokens
            .first()
            .is_some_and(|token| token.kind == Kind::Other(symbol));
        if matches {
            self.tokens = &self.tokens[1..];
        }
        matches
    }

    fn object(&mut self) -> Option<Object> {
        if self.takes(&["table"]) || self.takes(&["materialized", "view"]) || self.takes(&["view"]) {
            Some(Object::Table)
        } else if self.takes(&["index"]) {
            Some(Object::Index)
        } else if self.takes(&["function"]) || self.takes(&["routine"]) {
            Some(Object::Function)
        } else {
            None
        }
    }

    fn name(&mut self) -> Option<At> {
        let token = self.tokens.first()?;
        let text = name(token)?.to_owned();
        self.tokens = &self.tokens[1..];
        Some(At {
            text,
            offset: token.offset,
        })
    }

    /// The last part of a name, and whether it is the only one.
    fn qualified(&mut self) -> Option<(At, bool)> {
        let mut name = self.name()?;
        let mut is_plain = true;
        while self.takes_symbol('.') {
            name = self.name()?;
            is_plain = false;
        }
        Some((name, is_plain))
    }

    /// Skips to the token after a keyword.
    fn skip_to(&mut self, word: &str) -> Option<()> {
        let index = self.tokens.iter().position(|token| is_word(token, word))?;
        self.tokens = &self.tokens[index + 1..];
        Some(())
    }

    fn skip_parentheses(&mut self) {
        let mut depth = 0_usize;
        while self
            .tokens
            .first()
            .is_some_and(|token| depth > 0 || token.kind == Kind::Other('('))
        {
            match self.tokens[0].kind {
                Kind::Other('(') => depth += 1,
                Kind::Other(')') => depth -= 1,
                _ => {}
            }
            self.tokens = &self.tokens[1..];
            if depth == 0 {
                return;
            }
        }
    }
}
