//! Reads the statements about types: CREATE TYPE, ALTER TYPE and DROP TYPE.
//!
//! A statement about types that the check does not understand is rejected: the check would skip labels otherwise.

use crate::rejected_statements::{REWRITE, Rejection};
use crate::statement_kind::type_statement;
use crate::tokens::{Kind, Token, is_word};

/// A name or a label of a statement and its byte offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) text: String,
    pub(crate) offset: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Create {
        set: At,
        labels: Vec<At>,
    },
    /// A type that is not an enum.
    CreateOther {
        name: At,
    },
    Add {
        set: At,
        label: At,
        if_not_exists: bool,
        place: Where,
    },
    RenameLabel {
        set: At,
        from: At,
        to: At,
    },
    RenameType {
        from: At,
        to: At,
    },
    /// An ALTER TYPE that only matters for an enum.
    AlterOther {
        name: At,
    },
    /// OWNER TO, which changes no name and no label.
    Own {
        name: At,
    },
    Drop {
        names: Vec<At>,
        if_exists: bool,
    },
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Where {
    Last,
    Before(At),
    After(At),
}

/// Reads the change that a statement makes to types, if it makes one.
pub(crate) fn read(statement: &[Token]) -> Result<Option<Change>, Rejection> {
    let Some(index) = type_statement(statement) else {
        return Ok(None);
    };
    if index > 0 {
        return refuse(
            statement[index].offset,
            "a statement about types begins inside another statement",
        );
    }
    let mut cursor = Cursor {
        tokens: statement,
        index: 2,
    };
    let change = match &statement[0].kind {
        Kind::Word(word) if word == "create" => cursor.create()?,
        Kind::Word(word) if word == "alter" => cursor.alter()?,
        _ => cursor.drop()?,
    };
    Ok(Some(change))
}

fn refuse<T>(offset: usize, message: impl Into<String>) -> Result<T, Rejection> {
    Err(Rejection {
        offset,
        message: message.into(),
        help: REWRITE,
    })
}

/// Reads the tokens after `CREATE TYPE`, `ALTER TYPE` or `DROP TYPE`.
struct Cursor<'a> {
    tokens: &'a [Token],
    index: usize,
}

impl Cursor<'_> {
    fn create(&mut self) -> Result<Change, Rejection> {
        let set = self.name()?;
        if !(self.takes(&["as", "enum"])) {
            let is_other = self.is_at_end() || self.takes(&["as", "range"]) || self.takes_symbol('(');
            let is_composite = is_other || (self.takes(&["as"]) && self.takes_symbol('('));
            return if is_composite {
                Ok(Change::CreateOther { name: set })
            } else {
                self.refuse("`AS ENUM (`")
            };
        }
        self.symbol('(')?;
        let mut labels = Vec::new();
        if !self.takes_symbol(')') {
            loop {
                labels.push(self.label()?);
                if self.takes_symbol(')') {
                    break;
                }
                self.symbol(',')?;
            }
        }
        self.end(Change::Create { set, labels })
    }

    fn alter(&mut self) -> Result<Change, Rejection> {
        let set = self.name()?;
        if self.takes(&["add", "value"]) {
            let if_not_exists = self.takes(&["if", "not", "exists"]);
            let label = self.label()?;
            let place = if self.takes(&["before"]) {
                Where::Before(self.label()?)
            } else if self.takes(&["after"]) {
                Where::After(self.label()?)
            } else {
                Where::Last
            };
            return self.end(Change::Add {
                set,
                label,
                if_not_exists,
                place,
            });
        }
        if self.takes(&["rename", "value"]) {
            let from = self.label()?;
            self.word("to")?;
            let to = self.label()?;
            return self.end(Change::RenameLabel { set, from, to });
        }
        if self.takes(&["rename", "to"]) {
            let to = self.name()?;
            return self.end(Change::RenameType { from: set, to });
        }
        if self.takes(&["owner", "to"]) {
            return Ok(Change::Own { name: set });
        }
        Ok(Change::AlterOther { name: set })
    }

    fn drop(&mut self) -> Result<Change, Rejection> {
        let if_exists = self.takes(&["if", "exists"]);
        let mut names = vec![self.name()?];
        while self.takes_symbol(',') {
            names.push(self.name()?);
        }
        let _ = self.takes(&["cascade"]) || self.takes(&["restrict"]);
        self.end(Change::Drop { names, if_exists })
    }

    fn is_at_end(&self) -> bool {
        self.index >= self.tokens.len()
    }

    fn takes(&mut self, words: &[&str]) -> bool {
        let next = self.tokens.iter().skip(self.index).take(words.len());
        let matches = next.len() == words.len() && next.zip(words).all(|(token, word)| is_word(token, word));
        if matches {
            self.index += words.len();
        }
        matches
    }

    fn takes_symbol(&mut self, symbol: char) -> bool {
        let matches = self
            .tokens
            .get(self.index)
            .is_some_and(|token| token.kind == Kind::Other(symbol));
        if matches {
            self.index += 1;
        }
        matches
    }

    fn word(&mut self, word: &str) -> Result<(), Rejection> {
        if self.takes(&[word]) {
            Ok(())
        } else {
            self.refuse(&format!("`{}`", word.to_uppercase()))
        }
    }

    fn symbol(&mut self, symbol: char) -> Result<(), Rejection> {
        if self.takes_symbol(symbol) {
            Ok(())
        } else {
            self.refuse(&format!("`{symbol}`"))
        }
    }

    fn end(&self, change: Change) -> Result<Change, Rejection> {
        if self.is_at_end() {
            Ok(change)
        } else {
            self.refuse("the end of the statement")
        }
    }

    /// A type's name without a schema: migrations work in the first schema of `search_path`.
    fn name(&mut self) -> Result<At, Rejection> {
        let Some(token) = self.tokens.get(self.index) else {
            return self.refuse("a type's name");
        };
        let (Kind::Word(text) | Kind::Quoted(text)) = &token.kind else {
            return self.refuse("a type's name");
        };
        self.index += 1;
        if self
            .tokens
            .get(self.index)
            .is_some_and(|token| token.kind == Kind::Other('.'))
        {
            return self.refuse("a name without a schema");
        }
        Ok(At {
            text: text.clone(),
            offset: token.offset,
        })
    }

    fn label(&mut self) -> Result<At, Rejection> {
        match self.tokens.get(self.index) {
            Some(Token {
                kind:
                    Kind::Text {
                        content,
                        has_escapes: false,
                    },
                offset,
            }) => {
                self.index += 1;
                Ok(At {
                    text: content.clone(),
                    offset: *offset,
                })
            }
            _ => self.refuse("a label, as a plain string"),
        }
    }

    fn refuse<T>(&self, expected: &str) -> Result<T, Rejection> {
        let token = self.tokens.get(self.index).or(self.tokens.last());
        refuse(
            token.map_or(0, |token| token.offset),
            format!("expected {expected} here"),
        )
    }
}
