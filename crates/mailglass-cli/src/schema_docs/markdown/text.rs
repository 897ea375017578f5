//! Escapes text for Markdown.

/// Plain text, with all markup escaped.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::new();
    let characters: Vec<char> = text.trim().chars().collect();
    let is_word = |at: Option<usize>| {
        at.and_then(|at| characters.get(at))
            .is_some_and(|character| character.is_alphanumeric())
    };
    for (at, character) in characters.iter().enumerate() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // Inside a word, an underscore is no emphasis.
            '_' if is_word(at.checked_sub(1)) && is_word(Some(at + 1)) => out.push('_'),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' | '#' => {
                out.push('\\');
                out.push(*character);
            }
            other => out.push(*other),
        }
    }
    out
}

/// Plain text in a table cell.
pub(crate) fn cell(text: &str) -> String {
    plain(text).lines().map(str::trim_end).collect::<Vec<_>>().join("<br>")
}

/// Trusted Markdown in a table cell.
pub(crate) fn markdown_cell(text: &str) -> String {
    text.trim().replace('|', "\\|").replace('\n', " ")
}

/// Code in a line or in a table cell.
pub(crate) fn code(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.contains("\\|") {
        // A code span in a table can't contain a backslash before a pipe.
        return format!("<code>{}</code>", html(&text));
    }
    let text = text.replace('|', "\\|");
    let fence = "`".repeat(longest_run(&text) + 1);
    // Spaces separate a leading or trailing backtick from the fence. Markdown removes them.
    let pad = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

fn html(text: &str) -> String {
    let escape = |character: char| {
        if character.is_ascii_punctuation() {
            format!("&#{};", u32::from(character))
        } else {
            character.to_string()
        }
    };
    text.chars().map(escape).collect()
}

/// A block of code.
pub(crate) fn block(language: &str, text: &str) -> String {
    let fence = "`".repeat(longest_run(text).max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}\n", text.trim_matches('\n'))
}

fn longest_run(text: &str) -> usize {
    let runs = text.split(|character| character != '`');
    runs.map(str::len).max().unwrap_or(0)
}

pub(crate) fn link(text: &str, anchor: &str) -> String {
    format!("[{text}](#{anchor})")
}

/// A table. A table without rows is empty.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<String> = head.iter().map(ToString::to_string).collect();
    let rule = vec!["---".to_owned(); head.len()];
    let rows: String = rows.iter().map(|row| line(row)).collect();
    line(&head) + &line(&rule) + &rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_survives_backticks_and_pipes() {
        assert_eq!(code("a | b"), "`a \\| b`");
        assert_eq!(code("a `b` c"), "``a `b` c``");
        assert_eq!(code("`b`"), "`` `b` ``");
        assert_eq!(code("a\\|b"), "<code>a&#92;&#124;b</code>");
        assert_eq!(block("sql", "x ``` y"), "````sql\nx ``` y\n````\n");
    }

    #[test]
    fn plain_text_is_no_markup() {
        assert_eq!(
            plain("<b>*x*</b> & [y](z)"),
            "&lt;b&gt;\\*x\\*&lt;/b&gt; &amp; \\[y\\](z)"
        );
        assert_eq!(cell("a|b\nc_d _e_"), "a\\|b<br>c_d \\_e\\_");
    }
}
