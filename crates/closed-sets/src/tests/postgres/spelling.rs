//! The spellings of a string, a name or a keyword.

/// Generated choices, taken in order and then from the beginning again.
pub(super) struct Choices {
    bytes: Vec<u8>,
    next: usize,
}

impl Choices {
    pub(super) fn new(bytes: Vec<u8>) -> Choices {
        assert!(!bytes.is_empty());
        Choices { bytes, next: 0 }
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        self.next += 1;
        usize::from(self.bytes[(self.next - 1) % self.bytes.len()]) % end
    }

    pub(super) fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    /// A keyword in upper, lower or mixed case.
    pub(super) fn word(&mut self, word: &str) -> String {
        match self.below(4) {
            0 => word.to_ascii_uppercase(),
            1 => {
                let mut is_upper = false;
                word.chars()
                    .map(|c| {
                        is_upper = !is_upper;
                        if is_upper { c.to_ascii_uppercase() } else { c }
                    })
                    .collect()
            }
            _ => word.to_owned(),
        }
    }

    pub(super) fn blank(&mut self) -> &'static str {
        self.one(&[" ", "\n", "/**/", " -- it's\n", "\t/* ; */ "])
    }

    /// A name with or without quotes; `text` contains no quote.
    pub(super) fn name(&mut self, text: &str) -> String {
        match self.below(4) {
            0 => self.word(text),
            1 => format!("\"{text}\""),
            2 => format!("U&\"{}\"", self.unicode(text, '\\')),
            _ => format!("u&\"{}\" UESCAPE '!'", self.unicode(text, '!')),
        }
    }

    /// A string constant.
    pub(super) fn string(&mut self, text: &str) -> String {
        match self.below(7) {
            0 => format!("'{}'", text.replace('\'', "''")),
            1 => format!("$s${text}$s$"),
            2 | 3 => format!("E'{}'", self.backslash(text)),
            4 => format!("u&'{}'", self.unicode(&text.replace('\'', "''"), '\\')),
            5 => format!("U&'{}' uescape '!'", self.unicode(&text.replace('\'', "''"), '!')),
            _ => {
                let at = self.below(text.len());
                let (one, two) = text.split_at((0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0));
                format!("E'{}' -- it's\n'{}'", self.backslash(one), self.backslash(two))
            }
        }
    }

    /// An expression whose value is the text.
    pub(super) fn expression(&mut self, text: &str) -> String {
        let (one, two) = text.split_at(text.len() / 2);
        match self.below(4) {
            0 => format!("{} || {}", self.string(one), self.string(two)),
            1 => format!("format('%s%s', {}, {})", self.string(one), self.string(two)),
            2 => format!("convert_from({}, 'UTF8')", self.string(&hex(text))),
            _ => format!("({})", self.string(text)),
        }
    }

    fn backslash(&mut self, text: &str) -> String {
        let spelled = text.chars().map(|c| match (c, self.below(9)) {
            ('\'', 0..5) => "\\'".to_owned(),
            ('\'', _) => "''".to_owned(),
            ('\\', _) => "\\\\".to_owned(),
            (_, 0) => format!("\\x{:02x}", c as u32),
            (_, 1) => format!("\\{:03o}", c as u32),
            (_, 2) => format!("\\u{:04x}", c as u32),
            (_, 3) => format!("\\U{:08X}", c as u32),
            _ => c.to_string(),
        });
        spelled.collect()
    }

    fn unicode(&mut self, text: &str, escape: char) -> String {
        let spelled = text.chars().map(|c| match (c, self.below(6)) {
            (_, 0) if c != '\'' => format!("{escape}{:04x}", c as u32),
            (_, 1) if c != '\'' => format!("{escape}+{:06X}", c as u32),
            _ if c == escape => format!("{c}{c}"),
            _ => c.to_string(),
        });
        spelled.collect()
    }
}

fn hex(text: &str) -> String {
    let digits: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("\\x{digits}")
}
