//! Postgres' SQL, split into statements and tokens as the manual's section 4.1 ("Lexical Structure") has it: enough to
//! tell words from what only looks like them in strings, quoted names and comments.

/// A token and its byte offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) offset: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A key word or an unquoted name, in lower case, as Postgres folds it.
    Word(String),
    /// A quoted name.
    Quoted(String),
    /// A string constant, whose content is what it says unless it `has_escapes`.
    Text { content: String, has_escapes: bool },
    /// Anything else, such as punctuation or a digit.
    Other(char),
}

/// What is opened and never closed, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unterminated {
    pub(crate) what: &'static str,
    pub(crate) offset: usize,
}

/// Whether a token is this key word or unquoted name.
pub(crate) fn is_word(token: &Token, word: &str) -> bool {
    matches!(&token.kind, Kind::Word(it) if it == word)
}

/// The statements, without their semicolons; empty ones are left out.
pub(crate) fn statements(text: &str) -> Result<Vec<Vec<Token>>, Unterminated> {
    let mut lexer = Lexer { text, offset: 0 };
    let mut statements = vec![Vec::new()];
    while let Some(token) = lexer.next_token()? {
        match (&token.kind, statements.last_mut()) {
            (Kind::Other(';'), _) => statements.push(Vec::new()),
            (_, Some(statement)) => statement.push(token),
            (_, None) => {}
        }
    }
    statements.retain(|it| !it.is_empty());
    Ok(statements)
}

struct Lexer<'a> {
    text: &'a str,
    offset: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.offset..]
    }

    fn next_token(&mut self) -> Result<Option<Token>, Unterminated> {
        self.skip_blank()?;
        let (rest, offset) = (self.rest(), self.offset);
        let Some(first) = rest.chars().next() else {
            return Ok(None);
        };
        let kind = if let Some(tag) = dollar_tag(rest) {
            let body = &rest[tag.len()..];
            let end = body.find(tag).ok_or(Unterminated {
                what: "dollar-quoted string",
                offset,
            })?;
            self.offset += end + 2 * tag.len();
            Kind::Text {
                content: body[..end].to_owned(),
                has_escapes: false,
            }
        } else if first == '\'' {
            self.string(0, false)?
        } else if rest.starts_with("e'") || rest.starts_with("E'") {
            self.string(1, true)?
        } else if first == '"' {
            self.offset += 1;
            Kind::Quoted(self.until_quote('"', false).ok_or(Unterminated {
                what: "quoted name",
                offset,
            })?)
        } else if first.is_alphabetic() || first == '_' || !first.is_ascii() {
            let in_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$') || !c.is_ascii();
            let end = rest.find(|c| !in_word(c)).unwrap_or(rest.len());
            self.offset += end;
            Kind::Word(rest[..end].to_ascii_lowercase())
        } else {
            self.offset += first.len_utf8();
            Kind::Other(first)
        };
        Ok(Some(Token { kind, offset }))
    }

    /// White space and comments; `/* */` nests.
    fn skip_blank(&mut self) -> Result<(), Unterminated> {
        loop {
            let trimmed = self.rest().trim_ascii_start();
            self.offset = self.text.len() - trimmed.len();
            if trimmed.starts_with("--") {
                self.offset += trimmed.find(['\n', '\r']).unwrap_or(trimmed.len());
            } else if trimmed.starts_with("/*") {
                let offset = self.offset;
                self.offset += block_comment(trimmed).ok_or(Unterminated {
                    what: "comment",
                    offset,
                })?;
            } else {
                return Ok(());
            }
        }
    }

    /// A string constant whose quote comes after so many bytes.
    fn string(&mut self, prefix: usize, backslashes: bool) -> Result<Kind, Unterminated> {
        let offset = self.offset;
        self.offset += prefix + 1;
        let content = self
            .until_quote('\'', backslashes)
            .ok_or(Unterminated { what: "string", offset })?;
        let has_escapes = backslashes && content.contains('\\');
        Ok(Kind::Text { content, has_escapes })
    }

    /// What stands before the closing quote; a doubled quote is one of the content's.
    fn until_quote(&mut self, quote: char, backslashes: bool) -> Option<String> {
        let mut content = String::new();
        let mut chars = self.rest().char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            if c == '\\' && backslashes {
                content.push(c);
                content.extend(chars.next().map(|(_, escaped)| escaped));
            } else if c != quote {
                content.push(c);
            } else if chars.next_if(|&(_, next)| next == quote).is_some() {
                content.push(quote);
            } else {
                self.offset += at + 1;
                return Some(content);
            }
        }
        None
    }
}

/// `$$` or `$tag$` at the beginning.
fn dollar_tag(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('$')?;
    let end = inner.find('$')?;
    let is_name = inner[..end]
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii());
    let begins = inner.chars().next().is_some_and(|c| !c.is_ascii_digit());
    (is_name && begins).then(|| &text[..end + 2])
}

/// The length of the comment at the beginning.
fn block_comment(text: &str) -> Option<usize> {
    let (mut depth, mut at) = (0_usize, 0);
    loop {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return Some(at);
            }
        } else if rest.is_empty() {
            return None;
        } else {
            at += 1;
        }
    }
}
