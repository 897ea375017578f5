//! The introduction to docs with mailglass's own tables.

pub(crate) const INTRODUCTION: &str = include_str!("overview/introduction.md");

pub(crate) const GUARANTEES: &str = include_str!("overview/guarantees.md");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guarantees_have_no_links() {
        assert!(
            !GUARANTEES.contains("]("),
            "a link would be relative to the folder of the docs"
        );
    }
}
