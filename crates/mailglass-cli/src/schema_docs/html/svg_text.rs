//! The widths of texts in diagrams, and texts cut and wrapped to fit.

/// The width of a character of the diagrams' font at 12 pixels, in tenths: the widest of the usual monospace fonts.
const CHARACTER: usize = 73;

/// The width of a text in a diagram. Wide scripts take the room of two letters.
pub(super) fn width_of(text: &str) -> i32 {
    let letters: usize = text.chars().map(|c| if c < '\u{1100}' { 1 } else { 2 }).sum();
    i32::try_from((letters * CHARACTER).div_ceil(10)).unwrap_or(i32::MAX / 8)
}

/// A text cut to what has room in a diagram.
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

/// A diagram's size: as wide as it is, or down to three quarters of it where there is less room.
pub(super) fn fitting(width: i32) -> String {
    format!("max-width:{width}px;min-width:{}px", width * 3 / 4)
}

/// Words in lines of so many letters, for a diagram.
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
