//! What the whole is for, in the README's own words.

const README: &str = include_str!("../../../../README.md");

/// The first paragraph.
pub(crate) fn introduction() -> String {
    paragraph(README, "# mailglass\n")
}

/// The list of guarantees.
pub(crate) fn guarantees() -> String {
    paragraph(README, "## What it guarantees\n")
}

/// What follows a heading, up to the next empty line.
fn paragraph(text: &str, heading: &str) -> String {
    let after = text.split_once(heading).map_or("", |(_, after)| after);
    let paragraph = after.trim_start().split("\n\n").next().unwrap_or_default();
    format!("{}\n", paragraph.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_has_both() {
        assert!(introduction().contains("transactional e-mail"));
        assert!(guarantees().starts_with("- **") && guarantees().matches("\n- **").count() > 4);
        assert!(!guarantees().contains("]("), "a link would be relative to the README");
    }
}
