//! Splits PostgreSQL's SQL into statements and tokens.
//!
//! It follows section 4.1 of the manual ("Lexical Structure") and the server's `scan.l`, so that strings, quoted names and
//! comments are never taken for words. A test compares the tokens with those of a server.

use crate::string_escapes;

/// A token and its byte offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) offset: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A keyword or an unquoted name, in lower case, as PostgreSQL folds it.
    Word(String),
    /// A quoted name with its escapes decoded.
    Quoted(String),
    /// A string constant with its escapes decoded and its continuations joined. `has_escapes` says whether that changed
    /// its text.
    Text { content: String, has_escapes: bool },
    /// Anything else, such as punctuation or a digit.
    Other(char),
}

/// A text that PostgreSQL cannot split into tokens, and the offset of the error.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    pub(crate) message: &'static str,
    pub(crate) help: &'static str,
    pub(crate) offset: usize,
}

impl Malformed {
    fn unclosed(message: &'static str, offset: usize) -> Malformed {
        Malformed {
            message,
            help: "close it",
            offset,
        }
    }
}

/// Whether a token is this keyword or unquoted name.
pub(crate) fn is_word(token: &Token, word: &str) -> bool {
    matches!(&token.kind, Kind::Word(text) if text == word)
}

/// The name that a token can be.
pub(crate) fn name(token: &Token) -> Option<&str> {
    match &token.kind {
        Kind::Word(name) | Kind::Quoted(name) => Some(name),
        _ => None,
    }
}

/// The statements without their semicolons. Empty statements are left out.
pub(crate) fn statements(text: &str) -> Result<Vec<Vec<Token>>, Malformed> {
    let mut lexer = Lexer { text, offset: 0 };
    let mut statements = vec![Vec::new()];
    while let Some(token) = lexer.next_token()? {
        match (&token.kind, statements.last_mut()) {
            (Kind::Other(';'), _) => statements.push(Vec::new()),
            (_, Some(statement)) => statement.push(token),
            (_, None) => {}
        }
    }
    statements.retain(|tokens| !tokens.is_empty());
    Ok(statements)
}

/// The escapes of a string or a quoted name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    /// None.
    None,
    /// `E''`: a backslash also escapes a quote.
    Backslash,
    /// `U&''` and `U&""`: UESCAPE may name the escape character, which does not escape a quote.
    Unicode,
}

#[derive(Clone)]
struct Lexer<'a> {
    text: &'a str,
    offset: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.offset..]
    }

    fn next_token(&mut self) -> Result<Option<Token>, Malformed> {
        self.skip_blank()?;
        let (rest, offset) = (self.rest(), self.offset);
        let Some(first) = rest.chars().next() else {
            return Ok(None);
        };
        let starts = |prefix: &str| {
            rest.get(..prefix.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        let kind = if let Some(tag) = dollar_tag(rest) {
            let body = &rest[tag.len()..];
            let end = body
                .find(tag)
                .ok_or(Malformed::unclosed("this dollar-quoted string is never closed", offset))?;
            self.offset += end + 2 * tag.len();
            Kind::Text {
                content: body[..end].to_owned(),
                has_escapes: false,
            }
        } else if first == '\'' {
            self.string(0, Escapes::None)?
        } else if starts("e'") {
            self.string(1, Escapes::Backslash)?
        } else if starts("u&'") {
            self.string(2, Escapes::Unicode)?
        } else if first == '"' {
            self.quoted_name(0, Escapes::None)?
        } else if starts("u&\"") {
            self.quoted_name(2, Escapes::Unicode)?
        } else if first.is_ascii_alphabetic() || first == '_' || !first.is_ascii() {
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

    /// Skips white space and comments; `/* */` nests.
    fn skip_blank(&mut self) -> Result<(), Malformed> {
        loop {
            let trimmed = self.rest().trim_start_matches(is_space);
            self.offset = self.text.len() - trimmed.len();
            if trimmed.starts_with("--") {
                self.offset += trimmed.find(['\n', '\r']).unwrap_or(trimmed.len());
            } else if trimmed.starts_with("/*") {
                let offset = self.offset;
                self.offset +=
                    block_comment(trimmed).ok_or(Malformed::unclosed("this comment is never closed", offset))?;
            } else {
                return Ok(());
            }
        }
    }

    /// Reads a string constant whose quote comes after `prefix` bytes.
    fn string(&mut self, prefix: usize, escapes: Escapes) -> Result<Kind, Malformed> {
        let offset = self.offset;
        self.offset += prefix;
        let unclosed = || Malformed::unclosed("this string is never closed", offset);
        let mut segments = vec![self.quoted('\'', escapes).ok_or_else(unclosed)?];
        while let Some(quote) = continuation(self.rest()) {
            // The next segment has the escapes of the first: `E'a'`, a line break and `'\''` are one string.
            self.offset += quote;
            segments.push(self.quoted('\'', escapes).ok_or_else(unclosed)?);
        }
        let (content, has_escapes) = self.decoded(&segments, escapes, offset)?;
        Ok(Kind::Text { content, has_escapes })
    }

    fn quoted_name(&mut self, prefix: usize, escapes: Escapes) -> Result<Kind, Malformed> {
        let offset = self.offset;
        self.offset += prefix;
        let content = self
            .quoted('"', escapes)
            .ok_or(Malformed::unclosed("this quoted name is never closed", offset))?;
        let (content, _) = self.decoded(&[content], escapes, offset)?;
        Ok(Kind::Quoted(content))
    }

    /// Reads the text between two quotes. A doubled quote is one quote of the text; escapes are not decoded.
    fn quoted(&mut self, quote: char, escapes: Escapes) -> Option<String> {
        let mut content = String::new();
        let mut chars = self.rest().char_indices().skip(1).peekable();
        while let Some((at, c)) = chars.next() {
            if c == '\\' && escapes == Escapes::Backslash {
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

    /// Joins the segments and decodes their escapes; also says whether there were any. The token begins at `offset`.
    fn decoded(&mut self, segments: &[String], escapes: Escapes, offset: usize) -> Result<(String, bool), Malformed> {
        let content = segments.concat();
        let decoded = match escapes {
            Escapes::None => return Ok((content, false)),
            Escapes::Backslash => string_escapes::backslash(segments),
            Escapes::Unicode => self
                .escape_character()?
                .and_then(|escape| string_escapes::unicode(&content, escape)),
        };
        let decoded = decoded.ok_or(Malformed {
            message: "PostgreSQL rejects an escape in this",
            help: "write the characters themselves",
            offset,
        })?;
        let has_escapes = decoded != content;
        Ok((decoded, has_escapes))
    }

    /// The escape character of the Unicode constant just read: a backslash, or the one that `UESCAPE` names. `None` for a
    /// character that PostgreSQL rejects.
    fn escape_character(&mut self) -> Result<Option<char>, Malformed> {
        let mut ahead = self.clone();
        let is_named = ahead.next_token()?.is_some_and(|token| is_word(&token, "uescape"));
        if !is_named {
            return Ok(Some('\\'));
        }
        let named = ahead.next_token()?;
        self.offset = ahead.offset;
        let Some(Kind::Text { content, .. }) = named.map(|token| token.kind) else {
            return Ok(None);
        };
        let mut chars = content.chars();
        let escape = chars
            .next()
            .filter(|&c| c.is_ascii() && !c.is_ascii_hexdigit() && !matches!(c, '+' | '\'' | '"') && !is_space(c));
        Ok(escape.filter(|_| chars.next().is_none()))
    }
}

/// White space between tokens. (The vertical tab is white space since PostgreSQL 16.)
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}')
}

/// The offset of a string's next segment, if one follows its closing quote: white space and `--` comments with a line
/// break, then a quote.
fn continuation(rest: &str) -> Option<usize> {
    let mut at = 0;
    let mut has_break = false;
    loop {
        let here = &rest[at..];
        if here.starts_with("--") {
            at += here.find(['\n', '\r'])?;
        } else {
            match here.chars().next()? {
                '\'' => return has_break.then_some(at),
                c if is_space(c) => {
                    has_break |= matches!(c, '\n' | '\r');
                    at += 1;
                }
                _ => return None,
            }
        }
    }
}

/// The `$$` or `$tag$` at the beginning.
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
