//! Measures, cuts and wraps the texts in diagrams.

/// The width of a character at 12 pixels, in tenths of a pixel, of the widest common monospace font.
const CHARACTER: usize = 73;

/// The width of a text. Characters of wide scripts count twice.
pub(super) fn width_of(text: &str) -> i32 {
    let letters: usize = text.chars().map(|c| if c < '\u{1100}' { 1 } else { 2 }).sum();
    i32::try_from((letters * CHARACTER).div_ceil(10)).unwrap_or(i32::MAX / 8)
}

/// A text cut to a number of letters.
pub(super) fn cut(text: &str, letters: usize) -> String {
    let limit = width_of(&"m".repeat(letters));
    if width_of(text) <= limit {
        return text.to_owned();
    }
    let mut cut = String::new();
    for c in text.chars() {
        cut.push(c);
        if width_of(&cut) + width_of("…") > limit {
            cut.pop();
            break;
        }
    }
    cut + "…"
}

/// The CSS for the width of a diagram: it shrinks to three quarters, then scrolls.
pub(super) fn fitting(width: i32) -> String {
    format!("max-width:{width}px;min-width:{}px", width * 3 / 4)
}

/// A text wrapped into lines of at most this many letters.
pub(super) fn wrap(text: &str, letters: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= letters => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(cut(word, letters)),
        }
    }
    lines
}
