//! The label that diesel-derive-enum derives from a variant's name.

/// Converts an ASCII identifier: `TimedOut` to `timed_out`, `SMTPError` to `smtp_error`.
///
/// A word begins at a capital after a small letter, and at the last of several capitals if a small letter follows. A test
/// compares the result with the derive's.
pub(crate) fn snake_case(name: &str) -> String {
    let mut label = String::new();
    for part in name.split(|c: char| !c.is_ascii_alphanumeric()) {
        let letters: Vec<char> = part.chars().collect();
        // The last character that is not a digit: a digit neither begins nor ends a word.
        let mut after_small = false;
        let mut after_capital = false;
        for (index, &c) in letters.iter().enumerate() {
            let before_small = letters.get(index + 1).is_some_and(char::is_ascii_lowercase);
            let begins = index == 0 || (c.is_ascii_uppercase() && (after_small || (after_capital && before_small)));
            if begins && !label.is_empty() {
                label.push('_');
            }
            label.push(c.to_ascii_lowercase());
            if !c.is_ascii_digit() {
                (after_small, after_capital) = (c.is_ascii_lowercase(), c.is_ascii_uppercase());
            }
        }
    }
    label
}
